"""The size of an image by its header, before anything is decoded."""
import math
import re
import struct
from pathlib import Path
from typing import NamedTuple

from PIL import (
    BmpImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from plugin.utils import UserError
from plugin.utils.memory import free_memory


class Format(NamedTuple):
    """A file format.

    Attributes:
        suffix (str): Its usual one.
        start (bytes): Regular expression for the first bytes.
        reader (type): Reads the header.
    """

    suffix: str
    start: bytes
    reader: type


FORMATS = (
    Format('.jpg', rb'\xff\xd8\xff', JpegImagePlugin.JpegImageFile),
    Format('.png', rb'\x89PNG\r\n\x1a\n', PngImagePlugin.PngImageFile),
    Format('.webp', rb'RIFF....WEBP', WebPImagePlugin.WebPImageFile),
    Format('.tif', rb'II\*\0|MM\0\*', TiffImagePlugin.TiffImageFile),
    Format('.bmp', rb'BM', BmpImagePlugin.BmpImageFile),
    # BigTIFF
    Format('.tiff', rb'II\+\0|MM\0\+', TiffImagePlugin.TiffImageFile),
    Format('.ppm', rb'P[1-6]\s', PpmImagePlugin.PpmImageFile),
    Format('.jp2', rb'\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51',
           Jpeg2KImagePlugin.Jpeg2KImageFile))


class TooLarge(UserError):
    """An image needs more memory than there is."""


def format_of(first: bytes, formats: tuple[Format, ...] = FORMATS) -> Format | None:
    """The format of a file by its first bytes; its name proves nothing."""
    return next((one for one in formats if re.match(one.start, first, re.DOTALL)), None)


def header_size(path: Path, reader: type) -> tuple[int, int]:
    """Width and height of an image, in pixels.

    Args:
        path (Path): The file.
        reader (type): Of its :class:`Format`.

    Raises:
        ValueError: If the header cannot be read.
    """
    try:
        with path.open('rb') as file:
            # not Image.open: its own limit does not name the size of the image
            return reader(file).size
    except (IndexError, OSError, OverflowError, SyntaxError, TypeError, ValueError,
            struct.error) as error:
        raise ValueError(f'the header of {path} cannot be read') from error


def number_of_pixels(path: Path) -> int:
    """Pixels of an image by its header; 0 where that does not tell."""
    with path.open('rb') as file:
        kind = format_of(file.read(64))
    try:
        return 0 if kind is None else math.prod(header_size(path, kind.reader))
    except ValueError:
        return 0


def check_memory(path: Path, bytes_per_pixel: int) -> None:
    """Refuse an image that certainly needs more memory than is free.

    Args:
        path (Path): The image. One whose header does not tell its size is left to the decoder.
        bytes_per_pixel (int): What its pixels and its prediction take at least.

    Raises:
        TooLarge: If the memory is too small; names the size and the cure.
    """
    pixels, free = number_of_pixels(path), free_memory()
    if pixels * bytes_per_pixel > free:
        raise TooLarge(f'{path} has {pixels / 1e6:.0f} million pixels, which need at least '
                       f'{pixels * bytes_per_pixel / 1e9:.1f} GB of memory, and {free / 1e9:.1f} '
                       'GB are free: give --tile, such as --tile 1024, or make the image smaller')
