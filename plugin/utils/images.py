"""The one way to open an image by Pillow: formats of pictures alone, none that starts a program."""
from functools import cache
from pathlib import Path
from typing import IO

from PIL import EpsImagePlugin, Image, ImageFile

# what people bring; JPEG includes MPO. Pillow goes by the content, whatever the name of the file
FORMATS = ('AVIF', 'BMP', 'DIB', 'GIF', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TIFF', 'WEBP')

# mmcv opens label maps by Pillow with all its formats; EPS is the one that starts a program
EpsImagePlugin.gs_binary = False


def open_image(source: str | Path | IO[bytes]) -> ImageFile.ImageFile:
    r"""Open an image as ``PIL.Image.open`` does, if its content has one of :data:`FORMATS`.

    Of all other formats nothing is tried: Pillow would start Ghostscript for an EPS under any name.

    Args:
        source (str | Path | IO[bytes]): The file.

    Returns:
        ImageFile: The image, not decoded yet.

    Raises:
        OSError: If it cannot be read, or has none of the formats.

    Example:
        >>> import io
        >>> from plugin.utils.images import open_image
        >>> with open_image(io.BytesIO(b'P5 2 1 255 \x00\xff')) as image:
        ...     image.format, image.size
        ('PPM', (2, 1))
    """
    return Image.open(source, formats=_known())


@cache
def _known() -> tuple[str, ...]:
    """The formats that this version of Pillow has."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)
