"""The line across the alley, and who crossed it: the truth, from where animals are."""
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .walking import Walker

# of the length of a trunk: so far from the line, an animal is on one side of it
BAND = 0.25


class Crossing(NamedTuple):
    """Animal ``number`` has crossed at ``time``; ``way`` as of :class:`Walker`."""

    time: float
    number: int
    way: int


@dataclass
class Line:
    """The line at ``x`` units, from one wall to the other; :meth:`watch` every frame."""

    x: float

    def __post_init__(self) -> None:
        self._sides: dict[int, int] = {}

    def watch(self, time: float, walkers: list[Walker]) -> list[Crossing]:
        """Crossings since the last call.

        An animal has crossed when the middle of its outline, seen or hidden, went from one side to
        the other, beyond a quarter of the length of its trunk.
        """
        new = []
        for walker in walkers:
            off = float(walker.middle[0]) - self.x
            if abs(off) <= BAND * walker.length:
                continue
            side = 1 if off > 0 else -1
            if self._sides.get(walker.number, side) != side:
                new.append(Crossing(time, walker.number, side))
            self._sides[walker.number] = side
        present = {walker.number for walker in walkers}
        self._sides = {number: side for number, side in self._sides.items() if number in present}
        return new

    def is_free(self, walkers: list[Walker]) -> bool:
        """Whether nobody is so near that a video could begin or end here."""
        return all(abs(float(walker.middle[0]) - self.x) > 0.5 * walker.length
                   for walker in walkers)

    def points(self, walls: tuple[float, float]) -> np.ndarray:
        """Start and end, (2, 2) in units."""
        return np.array(((self.x, walls[0]), (self.x, walls[1])))
