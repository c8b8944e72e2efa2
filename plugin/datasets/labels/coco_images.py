"""The images of COCO files of any tool, found by what was written down and measured."""
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from plugin.utils.numbers import is_number
from plugin.utils.text import brief

from .coco_builder import CocoBuilder, ImageEntry
from .image_files import fault_of_file_name, fullest_folder, image_size
from .image_finder import ImageFinder
from .json_file import try_json

# where tools write the path of an image, the surest first
KEYS = ('file_name', 'path', 'coco_url')
# an outline along the border may round to beyond it
SLACK = 1.0


class FoundImage(NamedTuple):
    """An entry of an image.

    Attributes:
        entry (dict): As the file has it.
        name (str): How messages call it.
        path (Path, optional): The image; None, and a finding, if it is not there.
    """

    entry: dict
    name: str
    path: Path | None

    @property
    def extra(self) -> Mapping[str, Any]:
        """What the entry says beside id, name and size."""
        return {key: value for key, value in self.entry.items()
                if key not in ('id', 'file_name', 'height', 'width')}

    def measure(self, source: str, annotations: Sequence[dict],
                builder: CocoBuilder) -> ImageEntry | None:
        """Compare the size written down with that of the image; None if they cannot both be right.

        Height and width that are exchanged, as where EXIF turns the image, are mended if the
        outlines fit the image and not what is written.
        """
        assert self.path is not None  # images that are not there are left out before
        written = self._written(source, builder)
        if written is not None:
            try:
                size = image_size(self.path)
            except (OSError, ValueError):
                size = None  # the builder says so
            if size and written == (size.width, size.height) != (size.height, size.width) and (
                    not annotations or _fits(annotations, size.height, size.width)
                    and not _fits(annotations, *written)):
                turned = ' before EXIF turns it' if size.is_turned else ''
                builder.report(source, 'mended', f'it is {size.width}x{size.height}, and width and '
                               f'height are written {written[1]}x{written[0]}, swapped, as those '
                               f'of the file{turned}: its outlines fit the image as it is shown')
                written = None
        return builder.image(source, self.path, written, again=True)

    def _written(self, source: str, builder: CocoBuilder) -> tuple[int, int] | None:
        """H, W as the file has them, if they are numbers."""
        sides = []
        for key in ('height', 'width'):
            value = self.entry.get(key)
            if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
                value = int(value)
            sides.append(value)
        height, width = (int(side) if side is not None and is_number(side, 1)
                         and float(side).is_integer() else 0 for side in sides)
        if height and width:
            return height, width
        builder.report(source, 'mended', f'its width is {brief(sides[1])} and its height '
                       f'{brief(sides[0])}: those of the image are taken')
        return None


def find_images(file: Path, entries: Sequence[dict], builder: CocoBuilder, finder: ImageFinder,
                search: Sequence[Path]) -> list[FoundImage]:
    """Find the images of a COCO file, whatever folders, drives and slashes were written down.

    Args:
        file (Path): The COCO file.
        entries (Sequence[dict]): Its N images.
        builder (CocoBuilder): Takes the report.
        finder (ImageFinder): Looks into folders.
        search (Sequence[Path]): Further folders of images, looked into first.

    Returns:
        list[FoundImage]: N. An image is found under its whole name or the longest end of it that
        is there; names of which several could mean one image are not found.
    """
    folders = [*search, file.parent, file.parent / 'images', file.parent / file.stem]
    found = [_find(_parts(entry), folders, finder) for entry in entries]
    owners: dict[Path, set[tuple[str, ...]]] = defaultdict(set)
    for entry, (path, _) in zip(entries, found, strict=True):
        if path is not None:
            owners[path].add(tuple(_parts(entry)))
    images = []
    for place, (entry, (path, dropped)) in enumerate(zip(entries, found, strict=True)):
        name = next((entry[key] for key in KEYS if isinstance(entry.get(key), str)), '')
        name = name or f'images[{place}]'
        source = f'{file.name}: {name}'
        if path is None:
            builder.report(source, 'left out', 'there is no such image: bring it back, or give its '
                           'folder by --images')
        elif dropped and len(owners[path]) > 1:
            builder.report(source, 'left out', f'{len(owners[path])} different names could mean '
                           f'the image {path.name}: give the folder by --images in which the whole '
                           'names lie')
            path = None
        elif Path(os.path.relpath(path, builder.root)).as_posix() != entry.get('file_name'):
            here = Path(os.path.relpath(path, builder.root))
            if dropped or '\\' in name:
                builder.report(source, 'mended', f'{here} is taken for it: no image has the whole '
                               'name')
            else:
                builder.report(source, 'note', f'its name is {here}, relative to the folder of the '
                               'images')
        images.append(FoundImage(entry, name, path))
    return images


def folder_of_images(files: Sequence[Path]) -> Path | None:
    """The folder to which the names in COCO files are relative, so that they can stay.

    Returns:
        Path, optional: None if no name lies anywhere near, or the files differ in their folders.
    """
    folders: set[Path | None] = set()
    for file in files:
        content = try_json(file) if file.is_file() else None
        entries = content.get('images') if isinstance(content, dict) else None
        names = [entry['file_name'] for entry in entries if isinstance(entry, dict)
                 and not fault_of_file_name(entry.get('file_name'))] if isinstance(
                     entries, list) else []
        here = file.parent
        folder, absent = fullest_folder(
            names, [here, here / 'images', here / file.stem, here / 'images' / file.stem])
        folders.add(folder if len(absent) < len(names) else None)
    return folders.pop() if len(folders) == 1 else None


def _parts(entry: Mapping[str, Any]) -> list[str]:
    """Folders and name of the file of an entry; nothing if it has none."""
    for key in KEYS:
        written = entry.get(key)
        if not isinstance(written, str) or fault_of_file_name(written):
            continue
        if '://' in written or '?d=' in written:
            parts = urlsplit(written)
            # Label Studio serves local files as ...?d=folder/image.jpg
            written = parse_qs(parts.query).get('d', [unquote(parts.path)])[0]
        found = [part for part in written.replace('\\', '/').split('/') if part not in ('', '.')]
        if found:
            return found
    return []


def _find(parts: list[str], folders: Sequence[Path],
          finder: ImageFinder) -> tuple[Path | None, int]:
    """The image under the longest end of its name, and how many folders were dropped."""
    for start in range(len(parts)):
        inner = parts[start:-1]
        if '..' in inner:
            continue
        for folder in folders:
            path = finder.in_folder(parts[-1], folder.joinpath(*inner))
            if path is not None:
                return path, start
    return None, 0


def _fits(annotations: Sequence[dict], height: int, width: int) -> bool:
    """Whether outlines and boxes lie in an image of H x W pixels, and run lengths are its own."""
    for one in annotations:
        segmentation, box = one.get('segmentation'), one.get('bbox')
        if isinstance(segmentation, dict):
            if segmentation.get('size') != [height, width]:
                return False
            continue
        rings = segmentation if isinstance(segmentation, list) else []
        if rings and all(map(is_number, rings)):
            rings = [rings]
        points = [value for ring in rings if isinstance(ring, list) and len(ring) % 2 == 0
                  for value in ring]
        if not points and isinstance(box, list) and len(box) == 4 and all(map(is_number, box)):
            points = [box[0] + box[2], box[1] + box[3]]
        if not all(map(is_number, points)):
            continue
        if max(points[::2], default=0) > width + SLACK or max(
                points[1::2], default=0) > height + SLACK:
            return False
    return True
