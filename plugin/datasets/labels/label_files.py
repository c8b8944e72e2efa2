"""Files of a labelling tool: where they lie, and how one of them is read."""
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from plugin.utils import UserError
from plugin.utils.text import brief

from .coco_builder import CocoBuilder
from .encodings import decode_text
from .json_file import decode_json


class ReadOptions(NamedTuple):
    """What a reader of a label format is told beside its sources.

    Attributes:
        images (Path, optional): Folder of the images, if they are not beside the labels.
        skip (tuple[Path]): Files that are no labels: the result of an earlier conversion.
        name (str, optional): The name that all instances get, whatever their labels.
        attribute (str, optional): VIA: the region attribute that names the class.
        names (str, optional): YOLO: names of the classes 0, 1, ..., or a file with them.
        crowds (str, optional): COCO: ``single`` takes every crowd as one instance.
    """

    images: Path | None = None
    skip: tuple[Path, ...] = ()
    name: str | None = None
    attribute: str | None = None
    names: str | None = None
    crowds: str | None = None

    @property
    def search(self) -> list[Path]:
        """Further folders in which images may lie."""
        return [self.images] if self.images else []


def label_files(sources: Sequence[Path], suffix: str, skip: Sequence[Path] = ()) -> list[Path]:
    """The files of a suffix in folders and their sub-folders, and files given by name.

    Raises:
        FileNotFoundError: If there is none.
    """
    found: dict[str, Path] = {}
    for source in sources:
        for path in walk(source) if source.is_dir() else [source]:
            if path == source or path.suffix.lower() == suffix:
                found.setdefault(os.path.abspath(path), path)
    for path in skip:
        found.pop(os.path.abspath(path), None)
    if not found:
        raise FileNotFoundError(f'{", ".join(map(str, sources))} holds no {suffix} file: '
                                'give the folder of the labels')
    return list(found.values())


def home_of(path: Path, sources: Sequence[Path]) -> Path | None:
    """The folder that was given for a label file; None for a file that was given itself."""
    whole = os.path.abspath(path)
    return next((source for source in sources
                 if whole.startswith(os.path.join(os.path.abspath(source), ''))), None)


def walk(folder: Path) -> Iterator[Path]:
    """The files of a folder and its sub-folders in the order of their names, hidden ones not."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith('.'))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a JSON file, of which no key may hide another."""
    found = dict(pairs)
    if len(found) < len(pairs):
        key = next(key for place, (key, _) in enumerate(pairs)
                   if key in {other for other, _ in pairs[:place]})
        raise UserError(f'an object has the key {brief(key)} twice: remove one of them')
    return found


def read_label_json(path: Path, source: str, builder: CocoBuilder) -> Any:
    """Read a JSON file with labels; one that is damaged goes into the report.

    Args:
        path (Path): The file.
        source (str): How messages call it.
        builder (CocoBuilder): Takes the report.

    Returns:
        Any: Its content, None if it holds none.
    """
    try:
        text, encoding = decode_text(path.read_bytes())
        content = decode_json(text.encode(), _once)
        if content is not None:
            if encoding:
                builder.report(source, 'note', f'it is no UTF-8 and is read as {encoding}: save '
                               'it as UTF-8')
            return content
        fault = 'it holds nothing (null): remove it'
    except UserError as error:
        fault = str(error)
    except OSError as error:
        fault = f'it cannot be read ({error.strerror})'
    builder.report(source, 'left out', fault)
    return None
