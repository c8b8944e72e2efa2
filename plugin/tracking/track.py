"""A track: what the tracker keeps of an animal, and what it tells of it in a frame."""
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .motion import Motion
from .outlines import Outline


@dataclass(frozen=True, eq=False)
class Track:
    """An animal that is seen in a frame of H x W pixels.

    Attributes:
        id (int): From 1, in the order in which tracks began; never used again. Tracks that end
            before they are confirmed leave gaps.
        outline (Outline): Its mask, cut to its box.
        label (int): Class id.
        score (float): Confidence of the detector, 0..1.
        confirmed (bool): It was seen often enough to be an animal.
        age (float): Seconds since it was seen first.
        hits (int): Frames in which it was seen.
    """

    id: int
    outline: Outline
    label: int
    score: float
    confirmed: bool
    age: float
    hits: int

    @property
    def mask(self) -> np.ndarray:
        """``(H, W)`` bool; made anew at each call."""
        return self.outline.whole()

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels."""
        return self.outline.box

    @property
    def area(self) -> int:
        """Pixels of the mask."""
        return self.outline.area


class Found(NamedTuple):
    """A detection of one frame."""

    outline: Outline
    score: float
    label: int


class Living:
    """A track between frames.

    Args:
        number (int): Its id.
        found (Found): Where it was seen first.
        now (float): When, in seconds.
        box_only (bool): Follow the centre of the box in the place of that of the mask.
    """

    def __init__(self, number: int, found: Found, now: float, box_only: bool) -> None:
        self.id, self.outline, self.label, self.score = number, found.outline, found.label, \
            found.score
        self.first = self.seen = self.kept = now
        self.hits, self.confirmed, self.missed = 1, False, 0
        self._box_only = box_only
        self.motion = Motion(self._place(found.outline))

    def take(self, found: Found, now: float, confirm: int) -> None:
        """Go on with a detection."""
        self.outline, self.score = found.outline, found.score
        self.motion.update(self._place(found.outline))
        self.seen = self.kept = now
        self.hits += 1
        self.missed = 0
        self.confirmed |= self.hits >= confirm

    def moved(self) -> tuple[int, int]:
        """Columns and rows from where it was seen last to where it should be now."""
        x, y = self._place(self.outline)[:2]
        return round(self.motion.place[0] - x), round(self.motion.place[1] - y)

    def shown(self, now: float) -> Track:
        """What is told of it in the frame in which it is seen."""
        return Track(self.id, self.outline, self.label, self.score, self.confirmed,
                     now - self.first, self.hits)

    def _place(self, outline: Outline) -> np.ndarray:
        left, top, width, height = outline.box
        centre = ((left + (width - 1) / 2, top + (height - 1) / 2) if self._box_only
                  else outline.centroid)
        return np.array([*centre, width, height], float)

    def state(self) -> dict[str, Any]:
        """What :meth:`of_state` makes the track of, as JSON can hold it."""
        return dict(id=self.id, outline=self.outline.state(), label=self.label, score=self.score,
                    first=self.first, seen=self.seen, kept=self.kept, hits=self.hits,
                    confirmed=self.confirmed, missed=self.missed, motion=self.motion.state())

    @classmethod
    def of_state(cls, state: dict[str, Any], box_only: bool) -> 'Living':
        """The track of a :meth:`state`."""
        found = Found(Outline.of_state(state['outline']), state['score'], state['label'])
        living = cls(state['id'], found, state['first'], box_only)
        for name in ('seen', 'kept', 'hits', 'confirmed', 'missed'):
            setattr(living, name, state[name])
        living.motion = Motion.of_state(state['motion'])
        return living
