"""Which image a label means: by its whole name, then by less of it, and never by a guess."""
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from plugin.utils import first_few

from .image_files import IMAGE_SUFFIXES, is_image
from .image_folders import Folders
from .label_files import walk

# folders of these names hold one part of a set, and no labels of another part
PARTS = {'train', 'training', 'val', 'valid', 'validation', 'test', 'testing'}
# what a name may end with beside a number or a hash, as in frame.0001
SUFFIXES = {*IMAGE_SUFFIXES, '.gif', '.heic', '.heif', '.jfif', '.jp2', '.pgm', '.ppm', '.raw'}
Names = dict[str, list[Path]]
Find = Callable[[Path, str], list[Path]]
Way = Callable[[], list[Path]]


class Match(NamedTuple):
    """The image that a label means.

    Attributes:
        path (Path, optional): The image; None if there is none, or more than one.
        note (str): How it was found where that was not by its whole name; '' else.
        fault (str): Why there is none; '' if there is one.
        is_weak (bool): Labels of another file may have a better right to it.
        is_double (bool): There are several, so that none is taken.
    """

    path: Path | None = None
    note: str = ''
    fault: str = ''
    is_weak: bool = False
    is_double: bool = False


class ImageFinder:
    """Finds images by what labelling tools wrote down; a folder is listed once.

    The ways, each tried where the one before finds nothing: the whole name (in the folder of its
    subset, if it has one), exactly, then but for the case of its letters; the whole name beside
    the folder of its subset; the end of the name, without its first folders; its last part in any
    sub-folder; the name without suffix, as of frames of a video. Slashes and Unicode forms make
    no difference. What any but the first way finds has a note, and of two candidates none is
    taken.

    Args:
        subsets (iterable[str]): Parts of the set that labels may belong to.
    """

    def __init__(self, subsets: Iterable[str] = ()) -> None:
        self._parts = PARTS | {_key(subset) for subset in subsets}
        self._listed: dict[Path, tuple[Names, Names]] = {}
        self._below: dict[Path, Names] = {}

    def find(self, name: str, folders: Folders, subset: str = '') -> Match:
        """Find the image of a name.

        Args:
            name (str): As written down, perhaps with folders, perhaps on Windows.
            folders (Folders): Where to look.
            subset (str): The part of the set it belongs to, a folder of that name; '' for none.

        Returns:
            Match: The image, or why there is none.
        """
        parts = [part for part in name.replace('\\', '/').split('/') if part not in ('', '.')]
        if not parts or parts[-1] == '..':
            return Match(fault=f'{name!r} is no name of an image: correct it')
        for note, ways in self._ways(parts, folders, subset):
            for find in ways:
                match = _only(find(), name, note)
                if match:
                    return match
        return Match(fault=f'there is no image {name!r}')

    def in_folder(self, name: str, folder: Path) -> Path | None:
        """The image of a name in one folder, exactly or but for the case of its letters."""
        found = self._names(folder, name)
        return found[0] if len(found) == 1 else None

    def by_stem(self, stem: str, folders: Folders) -> Match:
        """Find the image of a name without suffix; see :meth:`find`."""
        for places, note in ((folders.near, ''), (folders.far, 'it is not in their folder')):
            for place in places:
                found = self._stems(place, stem) or self._names(place, stem)
                if not note and found and _nfc(found[0].stem) != _nfc(stem):
                    note = 'the names are not the same'
                match = _only(found, stem, note)
                if match:
                    return match
        return Match(fault=f'there is no image {stem!r}')

    def _ways(self, parts: list[str], folders: Folders, subset: str) -> Iterator[
            tuple[str, list[Way]]]:
        """Groups of ways to find a name, each with what its note says."""
        last, above = parts[-1], parts[:-1]
        homes = [place for folder in folders.near for place in _homes(folder, subset)]
        apart = [folder for folder in folders.near if subset and not self._is_part(folder)]

        def ways(places: Iterable[Path], find: Find, tail: int = 0) -> list[Way]:
            def look(place: Path) -> list[Path]:
                return [path for folder in self._folders(place, above[tail:])
                        for path in find(folder, last)]
            return [partial(look, place) for place in places]

        yield '', ways(homes, self._exact)
        yield 'its name differs in the case of letters', ways(homes, self._names)
        yield f'it is in no folder {subset!r}', ways(apart, self._names)
        for place in folders.far:
            yield f'it is in {place}, not in the folder of its labels', ways([place], self._names)
        wide = [*homes, *apart, *folders.far]
        for tail in range(1, len(above) + 1):
            yield f'it is not in {"/".join(above[:tail])}', ways(wide, self._names, tail)
        if not above:
            yield 'it is in a sub-folder', [
                partial(self._anywhere, folder, last, subset) for folder in folders.below]
        for tail in range(len(above) + 1):
            yield 'the names are the same but for the suffix', ways(wide, self._stems, tail)

    def _exact(self, folder: Path, name: str) -> list[Path]:
        # os.path: a name may be longer than a file system takes
        if _is_file(folder / name):
            return [folder / name]
        return [path for path in self._names(folder, name) if _nfc(path.name) == _nfc(name)]

    def _names(self, folder: Path, name: str) -> list[Path]:
        """Images of a name whatever the case; of those that differ in it, the exact one."""
        if _is_file(folder / name):
            return [folder / name]
        return self._list(folder)[0].get(_key(name), [])

    def _stems(self, folder: Path, name: str) -> list[Path]:
        """Images that have a name but for their suffix, whatever the case."""
        stems = self._list(folder)[1]
        found = stems.get(_key(name), [])
        if not found and Path(name).suffix.lower() in SUFFIXES:
            found = stems.get(_key(Path(name).stem), [])
        same = [path for path in found if _nfc(path.stem) in (_nfc(name), _nfc(Path(name).stem))]
        return same or found

    def _anywhere(self, folder: Path, name: str, subset: str) -> list[Path]:
        if folder not in self._below:
            names: Names = {}
            for path in filter(is_image, walk(folder)):
                names.setdefault(_key(path.name), []).append(path)
            self._below[folder] = names
        return [path for path in self._below[folder].get(_key(name), ()) if not subset
                or _key(subset) in map(_key, path.relative_to(folder).parts[:-1])]

    def _folders(self, folder: Path, parts: Sequence[str]) -> list[Path]:
        """The folder of a path, or those that differ in case alone."""
        if not parts or os.path.isdir(folder.joinpath(*parts)):
            return [folder.joinpath(*parts)]
        found = [folder]
        for part in parts:
            found = [other for one in found for other in _named(one, part)]
        return found

    def _is_part(self, folder: Path) -> bool:
        """Whether the name of a folder is that of a part of the set."""
        return _key(Path(os.path.abspath(folder)).name) in self._parts

    def _list(self, folder: Path) -> tuple[Names, Names]:
        if folder not in self._listed:
            names: Names = {}
            stems: Names = {}
            for path in sorted(folder.iterdir()) if os.path.isdir(folder) else ():
                if is_image(path):
                    names.setdefault(_key(path.name), []).append(path)
                    stems.setdefault(_key(path.stem), []).append(path)
            self._listed[folder] = names, stems
        return self._listed[folder]


def _homes(folder: Path, subset: str) -> list[Path]:
    """Where in a folder the images of a subset belong."""
    if not subset:
        return [folder]
    own = _named(folder, subset)
    return own + [folder] * (_key(Path(os.path.abspath(folder)).name) == _key(subset))


def _named(folder: Path, name: str) -> list[Path]:
    """The sub-folder of a name, or those that differ in case alone."""
    if name == '..' or os.path.isdir(folder / name):
        return [folder / name] if os.path.isdir(folder / name) else []
    if not os.path.isdir(folder):
        return []
    return [path for path in sorted(folder.iterdir())
            if _key(path.name) == _key(name) and path.is_dir()]


def _only(found: Sequence[Path], name: str, note: str) -> Match | None:
    """What one candidate, or several, mean; None without any."""
    if not found:
        return None
    if len(found) > 1:
        shown = first_few([path.name if len({one.parent for one in found}) == 1 else str(path)
                           for path in found])
        absent = f'there is no image {name!r} as it is written, but ' if note else ''
        return Match(fault=f'{absent}there are {shown}: keep one of them', is_double=True)
    shown = '/'.join(found[0].parts[-2:])
    words = f'there is no image {name!r} as it is written, {shown} is taken: {note}'
    return Match(found[0], words if note else '', is_weak=bool(note))


def _is_file(path: Path) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # NUL
        return False


def _nfc(name: str) -> str:
    # macOS writes letters and accents apart, other systems together
    return unicodedata.normalize('NFC', name)


def _key(name: str) -> str:
    return _nfc(name).casefold()
