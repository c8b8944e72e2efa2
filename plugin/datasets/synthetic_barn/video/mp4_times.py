"""Times of the frames of an MP4 file: OpenCV writes one rate, a camera that drops frames has gaps.

The file is made of boxes: 4 bytes of length, 4 of kind, content (ISO/IEC 14496-12).
"""
import struct
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

_PARENTS = (b'moov', b'trak', b'mdia', b'minf', b'stbl', b'edts')


def set_durations(path: Path, durations: Sequence[int]) -> None:
    """Say for each frame of a video how many frames' time passes until the next one.

    Args:
        path (Path): An MP4 file of one track and one rate, as OpenCV writes it; changed in place.
        durations (Sequence[int]): 1 or more for each frame, in the order of the file.

    Raises:
        ValueError: If the file has another number of frames or its boxes in another order.
    """
    with path.open('r+b') as file:
        begin = _find_movie(file)
        content = file.read()
        if b'mdat' in (kind for kind, _ in _boxes(content)):
            raise ValueError(f'{path} holds its frames behind their list, which would move them')
        ticks = _ticks(content, len(durations))
        longer = sum(durations) / len(durations)
        file.seek(begin)
        file.write(_rewritten(content, [ticks * one for one in durations], longer))


def _find_movie(file: BinaryIO) -> int:
    """Go to the box ``moov`` and give its place."""
    while True:
        begin = file.tell()
        head = file.read(8)
        if len(head) < 8:
            raise ValueError(f'{file.name} is no MP4 file that OpenCV has written')
        length, kind = struct.unpack('>I4s', head)
        if length == 1:  # a longer one
            length = struct.unpack('>Q', file.read(8))[0]
        file.seek(begin)
        if kind == b'moov':
            return int(begin)
        file.seek(begin + length)


def _boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of the boxes that lie one behind the other."""
    found, place = [], 0
    while place < len(content):
        length, kind = struct.unpack_from('>I4s', content, place)
        found.append((kind, content[place + 8:place + length]))
        place += length
    return found


def _ticks(content: bytes, frames: int) -> int:
    """Ticks of the clock from one frame to the next."""
    for kind, inner in _boxes(content):
        if kind in _PARENTS:
            ticks = _ticks(inner, frames)
            if ticks:
                return ticks
        elif kind == b'stts':
            count, number, ticks = struct.unpack_from('>III', inner, 4)
            if count != 1 or number != frames:
                raise ValueError(f'the file does not hold {frames} frames of one rate')
            return int(ticks)
    return 0


def _rewritten(content: bytes, ticks: list[int], longer: float) -> bytes:
    """The boxes with other times."""
    parts = []
    for kind, inner in _boxes(content):
        if kind in _PARENTS:
            inner = _rewritten(inner, ticks, longer)
        elif kind == b'stts':
            runs = [(len(list(run)), one) for one, run in groupby(ticks)]
            inner = inner[:4] + struct.pack('>I', len(runs)) \
                + b''.join(struct.pack('>II', *run) for run in runs)
        elif kind in _DURATIONS and inner[0] == 0:
            place = _DURATIONS[kind]
            length, = struct.unpack_from('>I', inner, place)
            inner = inner[:place] + struct.pack('>I', round(length * longer)) + inner[place + 4:]
        parts.append(struct.pack('>I4s', len(inner) + 8, kind) + inner)
    return b''.join(parts)


# where the duration stands in the boxes that tell one, in their first version
_DURATIONS = {b'mvhd': 16, b'tkhd': 20, b'mdhd': 16, b'elst': 8}
