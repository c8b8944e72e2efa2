"""What the header of an image file says of its bits, bands and pages."""
import struct
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

PNG = b'\x89PNG\r\n\x1a\n'
PNG_BANDS = {0: 1, 2: 3, 3: 1, 4: 1, 6: 3}  # by the kind of colours, without alpha
TIFF = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
# tags of a TIFF
SUBFILE, BITS, BANDS, FORMAT = 254, 258, 277, 339
FLOAT = 3
MOST_PAGES = 10000


class Depth(NamedTuple):
    """How a file keeps an image.

    Attributes:
        bits (int): Of a value.
        bands (int): Values of a pixel; the alpha channel of a PNG does not count.
        pages (int): Images in the file, reduced copies of one left out.
        is_float (bool): Whether values are floats.
    """

    bits: int
    bands: int
    pages: int = 1
    is_float: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the loaders of 8 bits read all of it."""
        return self.bits <= 8 and self.bands <= 3 and self.pages == 1

    @property
    def is_deep(self) -> bool:
        """Whether a value does not fit into 8 bits."""
        return self.bits > 8 or self.is_float

    def __str__(self) -> str:
        kind = 'floats' if self.is_float else 'values'
        bands = f'{self.bands} bands' if self.bands > 1 else 'one band'
        return f'{bands} of {self.bits}-bit {kind}'


def depth_of(data: bytes) -> Depth | None:
    """Read the header of a PNG or TIFF; None of another format, which has 8 bits.

    Args:
        data (bytes): The content of the file.
    """
    if data.startswith(PNG) and len(data) > 26:
        bands = PNG_BANDS.get(data[25], 3)
        return Depth(data[24], bands)
    if data[:4] not in TIFF:
        return None
    try:
        return _depth_of_tiff(data)
    except Exception:  # a damaged header: the decoders will say it
        return None


def _depth_of_tiff(data: bytes) -> Depth:
    file = BytesIO(data)
    # the header of a BigTIFF is longer
    directory = ImageFileDirectory_v2(data[:16] if b'+' in data[2:4] else data[:8])
    kept: list[dict[int, Any]] = []
    place, seen = directory.next, set[int]()
    while place and place not in seen and len(seen) < MOST_PAGES:
        seen.add(place)
        file.seek(place)
        directory.load(file)
        # a reduced copy of another page is none of its own
        if not int(directory.get(SUBFILE, 0)) & 1:
            kept.append({tag: directory[tag] for tag in (BITS, BANDS, FORMAT)
                         if tag in directory})
        place = directory.next
    if not kept:
        raise struct.error('no page')
    bits, kinds = (np.atleast_1d(kept[0].get(tag, 1)) for tag in (BITS, FORMAT))
    return Depth(int(bits.max()), int(kept[0].get(BANDS, 1)), len(kept), FLOAT in kinds)
