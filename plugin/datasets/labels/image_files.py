"""Images on the disk: measured, and what their names may be."""
import os
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin

from plugin.utils import UserError
from plugin.utils.images import open_image

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
ORIENTATION = 0x0112
# TIFF tags; Pillow's own size of a TIFF is turned in some versions and not in others
WIDTH, HEIGHT = 0x0100, 0x0101
# bytes of a file's name, and of a path, that Linux takes
LONGEST_PART, LONGEST_PATH = 255, 4095
PNG_END = b'IEND\xaeB`\x82'


class ImageSize(NamedTuple):
    """Size of an image in pixels.

    Attributes:
        height (int): H as the loaders of training see it, after the turn that EXIF asks for.
        width (int): W likewise.
        is_turned (bool): Whether the file keeps the image lying on its side.
    """

    height: int
    width: int
    is_turned: bool


def image_size(path: Path) -> ImageSize:
    """Read the size of an image from its header.

    Args:
        path (Path): The file.

    Returns:
        ImageSize: Its size as OpenCV loads it, with the EXIF orientation applied.

    Raises:
        OSError: If it is no image.
        UserError: If it is too large or cannot be loaded.
    """
    try:
        with warnings.catch_warnings():
            # only the header is read: a large image is no danger
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with open_image(path) as image:
                return _size(image, path)
    except Image.DecompressionBombError as error:
        raise UserError(f'{path} is too large to be loaded: cut it into smaller ones') from error


def _size(image: Image.Image, path: Path) -> ImageSize:
    width, height = image.size
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.format == 'TIFF':
        width, height = image.tag_v2[WIDTH], image.tag_v2[HEIGHT]
        orientation = image.tag_v2.get(ORIENTATION)
    else:
        # getexif() of a PNG without EXIF in its header would decode the whole image
        orientation = _exif_orientation(image) if 'exif' in image.info else None
    is_turned = orientation in (5, 6, 7, 8)
    if is_turned and image.format not in ('JPEG', 'MPO'):
        # OpenCV turns some of the other formats, which ones depends on its version: ask it
        loaded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        if loaded is None:
            raise UserError(f'{path} cannot be loaded by OpenCV: save it as JPEG or PNG')
        is_turned = loaded.shape[:2] != (height, width)
    if is_turned:
        return ImageSize(width, height, True)
    return ImageSize(height, width, False)


def _exif_orientation(image: Image.Image) -> int | None:
    """How EXIF asks to turn an image; None if its EXIF is damaged, which OpenCV passes over."""
    try:
        return image.getexif().get(ORIENTATION)
    except (OSError, SyntaxError, ValueError, struct.error):
        return None


def fullest_folder(names: Sequence[str], folders: Sequence[Path]) -> tuple[Path, list[str]]:
    """Choose the folder that lacks the fewest images.

    Args:
        names (Sequence[str]): Names of the images, relative to it.
        folders (Sequence[Path]): Where they may be, the likeliest first.

    Returns:
        tuple: The folder, and the names that are not in it.
    """
    absent = {folder: [name for name in names if not os.path.isfile(folder / name)]
              for folder in folders}
    folder = min(absent, key=lambda one: len(absent[one]))
    return folder, absent[folder]


def is_whole(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Whether no byte is missing at the end; other formats than JPEG and PNG pass."""
    if image.format == 'JPEG' and image.fp is not None:
        # a thumbnail ends with this mark too, but lies before the image's data
        return data.find(b'\xff\xd9', image.fp.tell()) >= 0
    return image.format != 'PNG' or PNG_END in data


def orientation(image: Image.Image, data: bytes) -> int:
    """How EXIF asks to turn the image, which loaders do in ways of their own; 1 is not at all."""
    # for a PNG without EXIF, Pillow would decode everything to look behind the pixels
    if image.format == 'PNG' and b'eXIf' not in data:
        return 1
    return image.getexif().get(ORIENTATION, 1)


def is_image(path: Path) -> bool:
    """Whether the suffix is that of an image, and the file is not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.')


def fault_of_file_name(name: Any) -> str:
    """Why no file can have a name, perhaps with folders; '' if one can."""
    if not isinstance(name, str) or not name.strip('/ '):
        return 'which is no name of a file'
    if '\0' in name:
        return 'which holds the character NUL'
    parts = name.encode('utf-8', 'surrogatepass').split(b'/')
    if max(map(len, parts)) > LONGEST_PART or sum(map(len, parts)) > LONGEST_PATH:
        return 'which is longer than a file system takes'
    return ''

