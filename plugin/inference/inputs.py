"""Finding the images and videos a user means, and names for what is made of them."""
import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

IMAGES = {'.bmp', '.jpeg', '.jpg', '.jp2', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp'}
VIDEOS = {'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm', '.wmv'}


class Input(NamedTuple):
    """A file to predict, and the path of its results without folder and suffix."""

    path: Path
    name: str

    @property
    def is_video(self) -> bool:
        """Whether the suffix is that of a video."""
        return self.path.suffix.lower() in VIDEOS

    @property
    def shown(self) -> Path:
        """What the tables call it."""
        return self.path


class Named(Protocol):
    """What the writers need of an input."""

    @property
    def path(self) -> Path:
        """The image."""

    @property
    def name(self) -> str:
        """The path of its results without folder and suffix."""

    @property
    def shown(self) -> object:
        """What the tables call it."""


Inputs = str | Path | Sequence[str | Path | Input]


def find_inputs(inputs: Inputs, results: str | Path) -> list[Input]:
    """Resolve files, folders (with their subfolders) and globs.

    Args:
        inputs (str | Path | Sequence[str | Path | Input]): Files, folders and globs, one or
            several; also what this function found.
        results (str | Path): Folder of the results; what lies in it is no input.

    Returns:
        list[Input]: Each file once, with a name of its own.

    Raises:
        FileNotFoundError: If a word names nothing; says what it looked for.
    """
    words = [inputs] if isinstance(inputs, (str, Path)) else inputs
    results, found = Path(results).resolve(), dict[Path, str]()
    for word in words:
        before = len(found)
        new = 0
        for path, name in [word] if isinstance(word, Input) else _resolve(str(word)):
            new += 1
            if results not in path.resolve().parents:
                found.setdefault(path, name)
        if new == 0:
            raise FileNotFoundError(_nothing(str(word)))
        if len(found) == before and len(words) == 1:
            raise FileNotFoundError(f'{word} holds only results of earlier predictions; '
                                    'choose another --out')
    return _distinct(found)


def _resolve(word: str) -> Iterator[tuple[Path, str]]:
    path = Path(word)
    if path.is_dir():
        for file in sorted(path.rglob('*')):
            if (file.suffix.lower() in IMAGES | VIDEOS and file.is_file()
                    and not file.name.startswith('.')):
                yield file, file.relative_to(path).with_suffix('').as_posix()
    elif path.exists():
        # a file that is named is tried whatever its suffix
        yield path, path.stem
    else:
        for file in sorted(map(Path, glob.glob(word, recursive=True))):  # noqa: PTH207
            if file.is_file() and file.suffix.lower() in IMAGES | VIDEOS:
                yield file, file.stem


def _nothing(word: str) -> str:
    if Path(word).is_dir():
        return f'{word} holds no images or videos ({", ".join(sorted(IMAGES | VIDEOS))})'
    if glob.has_magic(word):
        return f'{word} matches no image or video; quote it so that the shell leaves it alone'
    return f'input {word} does not exist'


def _distinct(found: dict[Path, str]) -> list[Input]:
    """Tell inputs of the same name apart by their folders, their suffix, then by a number."""
    taken: set[str] = set()
    inputs = []
    found = _told_apart(found)
    for path, name in found.items():
        choices = [name, f'{name}_{path.suffix[1:]}']
        number = 2
        while choices[0].casefold() in taken:
            choices.pop(0)
            if not choices:
                choices.append(f'{name}_{number}')
                number += 1
        # file systems that ignore case would merge A.jpg and a.jpg
        taken.add(choices[0].casefold())
        inputs.append(Input(path, choices[0]))
    return inputs


def _told_apart(found: dict[Path, str]) -> dict[Path, str]:
    """Inputs of the same name in different folders, named below the folder they have in common."""
    same: dict[str, list[Path]] = {}
    for path, name in found.items():
        same.setdefault(name.casefold(), []).append(path)
    folders = {path: path.absolute().parent for paths in same.values() if len(paths) > 1
               for path in paths}
    if len(set(folders.values())) < 2:
        return found
    root = Path(os.path.commonpath(set(folders.values())))
    return {path: (folders[path].relative_to(root) / path.stem).as_posix()
            if path in folders else name for path, name in found.items()}
