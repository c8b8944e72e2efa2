"""Pictures on the disk: found by what a labelling tool wrote down, and measured."""
import os
import struct
import unicodedata
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np
from PIL import Image

from .folder import PICTURE_SUFFIXES

ORIENTATION = 0x0112
# TIFF tags; Pillow's own size of a TIFF is turned in some versions and not in others
WIDTH, HEIGHT = 0x0100, 0x0101
PNG_END = b'IEND\xaeB`\x82'


class PictureSize(NamedTuple):
    """Size of a picture in pixels.

    Attributes:
        height (int): H as the loaders of training see it, after the turn that EXIF asks for.
        width (int): W likewise.
        is_turned (bool): Whether the file keeps the picture lying on its side.
    """

    height: int
    width: int
    is_turned: bool


def picture_size(path: Path) -> PictureSize:
    """Read the size of a picture from its header.

    Args:
        path (Path): The file.

    Returns:
        PictureSize: Its size as OpenCV loads it, with the EXIF orientation applied.

    Raises:
        OSError: If it is no picture.
        ValueError: If it is too large or cannot be loaded.
    """
    try:
        with warnings.catch_warnings():
            # only the header is read: a large picture is no danger
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                return _size(picture, path)
    except Image.DecompressionBombError as error:
        raise ValueError(f'{path} is too large to be loaded: cut it into smaller ones') from error


def _size(picture: Image.Image, path: Path) -> PictureSize:
    width, height = picture.size
    if picture.format == 'TIFF':
        width, height = picture.tag_v2[WIDTH], picture.tag_v2[HEIGHT]
        orientation = picture.tag_v2.get(ORIENTATION)
    else:
        # getexif() of a PNG without EXIF in its header would decode the whole picture
        orientation = _exif_orientation(picture) if 'exif' in picture.info else None
    is_turned = orientation in (5, 6, 7, 8)
    if is_turned and picture.format not in ('JPEG', 'MPO'):
        # OpenCV turns some of the other formats, which ones depends on its version: ask it
        loaded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        if loaded is None:
            raise ValueError(f'{path} cannot be loaded by OpenCV: save it as JPEG or PNG')
        is_turned = loaded.shape[:2] != (height, width)
    if is_turned:
        return PictureSize(width, height, True)
    return PictureSize(height, width, False)


def _exif_orientation(picture: Image.Image) -> Optional[int]:
    """How EXIF asks to turn a picture; None if its EXIF is damaged, which OpenCV passes over."""
    try:
        return picture.getexif().get(ORIENTATION)
    except (OSError, SyntaxError, ValueError, struct.error):
        return None


class PictureFinder:
    """Finds pictures whatever the case, suffix, slashes or Unicode form of their names.

    A folder is listed once.
    """

    def __init__(self) -> None:
        self._listed: Dict[Path, Tuple[Dict[str, Path], Dict[str, List[Path]]]] = {}

    def find(self, name: str, folders: Iterable[Path]) -> Optional[Path]:
        """Find the picture of a name.

        Args:
            name (str): As written down, perhaps with folders, perhaps on Windows.
            folders (iterable[Path]): Where to look, the likeliest first.

        Returns:
            Path, optional: The picture: in each folder under the whole name, then under its last
            part; exactly, then without regard to case.
        """
        parts = [part for part in name.replace('\\', '/').split('/') if part]
        if not parts:
            return None
        for folder in folders:
            for place in dict.fromkeys((folder.joinpath(*parts[:-1]), folder)):
                exact = place / parts[-1]
                # os.path: a name may be longer than a file system takes
                if os.path.isfile(exact):
                    return exact
                if _key(parts[-1]) in self._names(place)[0]:
                    return self._names(place)[0][_key(parts[-1])]
        return None

    def by_stem(self, stem: str, folder: Path) -> List[Path]:
        """All pictures of a folder that have a name without suffix, whatever the case."""
        return self._names(folder)[1].get(_key(stem), [])

    def _names(self, folder: Path) -> Tuple[Dict[str, Path], Dict[str, List[Path]]]:
        if folder not in self._listed:
            names: Dict[str, Path] = {}
            stems: Dict[str, List[Path]] = defaultdict(list)
            for path in sorted(folder.iterdir()) if os.path.isdir(folder) else ():
                if is_picture(path):
                    names.setdefault(_key(path.name), path)
                    stems[_key(path.stem)].append(path)
            self._listed[folder] = names, stems
        return self._listed[folder]


def likely_folders(labels: Path, search: Iterable[Path]) -> List[Path]:
    """Where the pictures of a folder of labels may be, the likeliest first.

    Args:
        labels (Path): The folder of the labels, e.g. ``labels/barn 2``.
        search (iterable[Path]): Folders of pictures, e.g. ``images``.

    Returns:
        list[Path]: The folder itself, then in each other one the same sub-folders
        (``images/labels/barn 2``, ``images/barn 2``), as far as they are there, and that one.
    """
    parts = Path(os.path.abspath(labels)).parts[1:]
    found = [labels]
    for folder in search:
        below = [folder.joinpath(*parts[first:]) for first in range(len(parts) + 1)]
        found += [place for place in below if os.path.isdir(place)]
    return list(dict.fromkeys(found))


def fullest_folder(names: Sequence[str], folders: Sequence[Path]) -> Tuple[Path, List[str]]:
    """Choose the folder that lacks the fewest pictures.

    Args:
        names (Sequence[str]): Names of the pictures, relative to it.
        folders (Sequence[Path]): Where they may be, the likeliest first.

    Returns:
        tuple: The folder, and the names that are not in it.
    """
    absent = {folder: [name for name in names if not os.path.isfile(folder / name)]
              for folder in folders}
    folder = min(absent, key=lambda one: len(absent[one]))
    return folder, absent[folder]


def is_whole(picture: Image.Image, data: bytes) -> bool:
    """Whether no byte is missing at the end; other formats than JPEG and PNG pass."""
    if picture.format == 'JPEG':
        # a thumbnail ends with this mark too, but lies before the picture's data
        return data.find(b'\xff\xd9', picture.fp.tell()) >= 0
    return picture.format != 'PNG' or PNG_END in data


def orientation(picture: Image.Image, data: bytes) -> int:
    """How EXIF asks to turn the picture, which loaders do in ways of their own; 1 is not at all."""
    # for a PNG without EXIF, Pillow would decode everything to look behind the pixels
    if picture.format == 'PNG' and b'eXIf' not in data:
        return 1
    return picture.getexif().get(ORIENTATION, 1)


def is_picture(path: Path) -> bool:
    """Whether the suffix is that of a picture, and the file is not hidden."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith('.')


def _key(name: str) -> str:
    # macOS writes letters and accents apart, other systems together
    return unicodedata.normalize('NFC', name).casefold()
