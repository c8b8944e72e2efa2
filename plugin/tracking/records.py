"""What a counter notes, and what its animals are reduced to: a point."""
from typing import NamedTuple

from plugin.utils import UserError

from .track import Track

ANCHORS = ('centre', 'foot')
Point = tuple[float, float]


class Crossing(NamedTuple):
    """An animal that was counted.

    Attributes:
        time (float): When, in seconds of the video.
        direction (str): ``forward`` or ``backward`` through a gate, ``pass`` of a pass.
        id (int): Of its track.
        label (int): Class id.
        area (int): Pixels of its mask then.
    """

    time: float
    direction: str
    id: int
    label: int
    area: int


def anchor_of(track: Track, anchor: str) -> Point:
    """The point that stands for an animal.

    Args:
        track (Track): The animal.
        anchor (str): ``centre``, the centre of gravity of the mask, for cameras that look down; or
            ``foot``, the middle of the lower edge of the box, for those that look from the side.
    """
    if anchor == 'centre':
        return track.outline.centroid
    left, top, width, height = track.box
    return left + (width - 1) / 2, float(top + height - 1)


def size_of(track: Track) -> float:
    """Side in pixels of a square as large as the mask."""
    return track.area ** 0.5


def check_anchor(anchor: str) -> None:
    """Stop at an anchor that there is not."""
    if anchor not in ANCHORS:
        raise UserError(f"anchor={anchor!r} is unknown: give 'centre' or 'foot'")
