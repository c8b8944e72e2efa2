"""Files that nobody should send, and images that anybody may."""
import io
import stat
import struct
import warnings
import zipfile
import zlib

import cv2
import numpy as np
from PIL import Image

HUGE = 30_000
SVG = (b'<?xml version="1.0"?>\n<!-- a -->\n'
       b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')


def image(kind='PNG', seed=0, size=(44, 36)) -> bytes:
    """A small image with large spots; ``size`` is width and height."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)).save(buffer, kind)
    return buffer.getvalue()


def huge_png() -> bytes:
    """A PNG of some bytes whose header promises 900 million pixels."""
    def chunk(name, data):
        return (struct.pack('>I', len(data)) + name + data
                + struct.pack('>I', zlib.crc32(name + data)))
    header = struct.pack('>IIBBBBB', HUGE, HUGE, 8, 2, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header)
            + chunk(b'IDAT', zlib.compress(bytes(100))) + chunk(b'IEND', b''))


def huge_jpeg() -> bytes:
    """A JPEG of 8 x 8 pixels whose header promises 900 million."""
    content = bytearray(image('JPEG', size=(8, 8)))
    at = content.index(b'\xff\xc0')
    content[at + 5:at + 9] = struct.pack('>HH', HUGE, HUGE)
    return bytes(content)


def huge_bmp() -> bytes:
    """A BMP of 8 x 8 pixels whose header promises 900 million."""
    content = bytearray(image('BMP', size=(8, 8)))
    content[18:26] = struct.pack('<ii', HUGE, HUGE)
    return bytes(content)


def packed(members, method=zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of ``(name or ZipInfo, content)``."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, 'w', method) as archive:
        warnings.simplefilter('ignore', UserWarning)  # names that come twice
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def bomb(size: int) -> bytes:
    """A ZIP of some kB with a PNG of ``size`` bytes."""
    return packed([('bomb.png', image() + bytes(size))])


def lying(content: bytes) -> bytes:
    """A ZIP with one image whose size it tells too small, in both places."""
    data = bytearray(packed([('liar.png', content)]))
    local, central = data.index(b'PK\x03\x04'), data.index(b'PK\x01\x02')
    data[local + 22:local + 26] = data[central + 24:central + 28] = struct.pack('<I', 10)
    return bytes(data)


def overlapping(content: bytes, number: int) -> bytes:
    """A ZIP in which many members share one content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('same.png', content)
        archive.filelist.extend(archive.filelist * (number - 1))
    return buffer.getvalue()


def linked(target: str) -> zipfile.ZipInfo:
    """The entry of a symbolic link."""
    entry = zipfile.ZipInfo('link.png')
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


def locked(content: bytes) -> bytes:
    """A ZIP whose member says that it is encrypted."""
    data = bytearray(packed([('secret.png', content)]))
    for at in (data.index(b'PK\x03\x04') + 6, data.index(b'PK\x01\x02') + 8):
        data[at] |= 1
    return bytes(data)


def long_table() -> bytes:
    """A ZIP whose table of contents is said to have some MB."""
    data = bytearray(packed([('a.png', image())]))
    at = data.rindex(b'PK\x05\x06')
    data[at + 12:at + 16] = struct.pack('<I', 5 << 20)
    return bytes(data)


def far_table() -> bytes:
    """A ZIP that points to another table, as far from its end as a comment can push it."""
    data = packed([('a.png', image())])
    at = data.rindex(b'PK\x05\x06')
    return (data[:at] + b'PK\x06\x07' + bytes(16) + data[at:at + 20]
            + struct.pack('<H', 65535) + bytes(65535))
