"""A line that animals cross: in, out, and what remains."""
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from plugin.utils import UserError

from .records import Crossing, Point, anchor_of, check_anchor, size_of
from .track import Track

FORGET = 60.0  # seconds after which what is known of a track that is gone is forgotten
FADING = 10.0  # seconds after which half of a reach that was seen once is left
KEPT = 10000  # crossings that are kept in memory


@dataclass
class _Walker:
    """What a gate knows of a track.

    Attributes:
        first (Point): Where it was seen first, and ``begun`` when.
        last (Point): Where it was seen last, and ``seen`` when.
        size (float): Of the animal then, in pixels.
        reach (float): From one side of the animal to the other, across the line, in pixels; the
            largest that was seen lately.
        hidden (float): How much of the reach is not seen, in pixels.
        side (int): Beyond the band, on which side it was last: -1, 1, or 0 if it never was.
        through (float, optional): Where its way cut the line last: 0 at the start, 1 at the end.
        label (int): Class id.
        confirmed (bool): Of the track.
        taken (bool): Another track goes on with its way.
    """

    first: Point
    begun: float
    last: Point
    seen: float
    size: float
    reach: float
    label: int
    hidden: float = 0.0
    side: int = 0
    through: float | None = None
    confirmed: bool = False
    taken: bool = False


class Gate:
    """Counts animals that cross a line, in both directions.

    An animal is a point, see ``anchor``. It has crossed when its point went from beyond the band on
    one side of the line to beyond the band on the other side, and its way cut the line between the
    two ends. An animal that stops, turns or sways inside the band counts once, or not at all if it
    goes back. Where something hides a part of an animal, the point of what is seen lies up to half
    of the hidden part off, so that the band is wider by as much. An unconfirmed track never counts.
    One that was first seen inside the band has come from nowhere: it does not count when it leaves
    the band.

    A track that is lost near the line and begun anew must neither count twice nor be lost. So a
    track that is confirmed takes over the way of a confirmed one of its class that had been lost
    before, at most ``memory`` seconds and one size of the animal away, and at most one size from
    the line; each way is taken over once.

    Args:
        start (Point): x, y of the line's start, in pixels.
        end (Point): x, y of its end. Seen from the start, animals that walk ``forward`` come from
            the left and go to the right of the line.
        band (float): Half of the width of the band around the line, in sizes of the animal (the
            square root of its area). Defaults to 0.25.
        anchor (str): ``centre`` (of the mask) or ``foot`` (middle of the lower edge of the box).
            Defaults to ``centre``.
        memory (float): Seconds. Defaults to 2.
        name (str): In messages and tables. Defaults to ``gate``.

    Attributes:
        forward (int): Crossings in the direction of the gate.
        backward (int): Crossings in the other one.
        crossings (deque[Crossing]): The last 10,000.

    Raises:
        UserError: If start and end are the same point, or a value is out of range.

    Example:
        >>> import numpy as np
        >>> from plugin.tracking import Gate, Tracker
        >>> tracker, gate = Tracker(rate=5), Gate((20, 20), (20, 0))
        >>> for frame in range(9):
        ...     mask = np.zeros((1, 20, 40), bool)
        ...     mask[0, 5:15, 3 * frame:3 * frame + 12] = True
        ...     new = gate.update(frame / 5, tracker.update(mask, [0.9], [0], frame / 5))
        >>> gate.forward, gate.backward, gate.count
        (1, 0, 1)
    """

    kind = 'gate'

    def __init__(self, start: Point, end: Point, *, band: float = 0.25, anchor: str = 'centre',
                 memory: float = 2.0, name: str = 'gate') -> None:
        check_anchor(anchor)
        self.start, self.end = np.asarray(start, float), np.asarray(end, float)
        self.length = float(np.hypot(*(self.end - self.start)))
        if not self.length >= 1:
            raise UserError(f'the line of {name} begins and ends at {tuple(start)}: give two '
                            'points that are apart')
        if band < 0 or memory < 0:
            raise UserError(f'band={band}, memory={memory}: give 0 or more')
        self.band, self.anchor, self.memory, self.name = band, anchor, memory, name
        self.forward = self.backward = 0
        self.crossings: deque[Crossing] = deque(maxlen=KEPT)
        self._walkers: dict[int, _Walker] = {}

    @property
    def count(self) -> int:
        """Animals that went forward and did not come back: forward less backward."""
        return self.forward - self.backward

    def update(self, time: float, tracks: Iterable[Track]) -> list[Crossing]:
        """Take the animals of a frame.

        Args:
            time (float): When, in seconds; grows.
            tracks (Iterable[Track]): Of :meth:`Tracker.update`.

        Returns:
            list[Crossing]: The new crossings.
        """
        new = []
        for track in tracks:
            walker = self._walk(track, time)
            side = self._side(walker)
            if side and walker.side == 0:
                walker.side = side
            elif side and side != walker.side and walker.confirmed:
                # a way around the end of the line is none through the gate
                if walker.through is not None and 0 <= walker.through <= 1:
                    direction = 'forward' if side > 0 else 'backward'
                    new.append(Crossing(time, direction, track.id, track.label, track.area))
                walker.side = side
        self.forward += sum(one.direction == 'forward' for one in new)
        self.backward += sum(one.direction == 'backward' for one in new)
        self.crossings.extend(new)
        self._walkers = {key: one for key, one in self._walkers.items()
                         if time - one.seen <= FORGET}
        return new

    def _walk(self, track: Track, time: float) -> _Walker:
        """Move the point of a track on."""
        point, size, reach = anchor_of(track, self.anchor), size_of(track), self._reach(track)
        walker = self._walkers.get(track.id)
        if walker is None:
            walker = _Walker(point, time, point, time, size, reach, track.label)
            self._walkers[track.id] = walker
        walker.through = self._cut(walker.last, point, walker.through)
        walker.reach = max(reach, walker.reach * 0.5 ** ((time - walker.seen) / FADING))
        # what the border of the image hides lies outside, and does not lead across the line
        walker.hidden = 0.0 if _at_border(track) else walker.reach - reach
        walker.last, walker.seen, walker.size = point, time, size
        if track.confirmed and not walker.confirmed:
            self._take_over(walker)
            walker.confirmed = True
        return walker

    def _take_over(self, walker: _Walker) -> None:
        """Let a track that was just confirmed go on with the way of one that was lost."""
        def apart(lost: _Walker) -> float:
            """Pixels from where one was lost to where this one began."""
            return float(np.hypot(*np.subtract(lost.last, walker.first)))

        lost = [one for one in self._walkers.values()
                if one.confirmed and not one.taken and one.label == walker.label
                and 0 < walker.begun - one.seen <= self.memory
                and apart(one) <= max(one.size, walker.size)
                and abs(self._distance(one.last)) <= one.size]
        if lost:
            before = min(lost, key=apart)
            before.taken = True
            walker.hidden += max(0., before.reach - walker.reach)
            walker.reach = max(walker.reach, before.reach)
            if before.side:
                walker.side = before.side
            if walker.through is None:
                walker.through = self._cut(before.last, walker.first, before.through)

    def _side(self, walker: _Walker) -> int:
        """-1 to the left of the line, 1 to the right, 0 in the band."""
        off = self._distance(walker.last)
        band = self.band * walker.size + walker.hidden / 2
        return 0 if abs(off) <= band else 1 if off > 0 else -1

    def _reach(self, track: Track) -> float:
        """How far the box of an animal goes across the line, in pixels."""
        across, down = np.abs(self.end - self.start) / self.length
        return float(track.box[2] * down + track.box[3] * across)

    def _distance(self, point: Point) -> float:
        """How far a point lies to the right of the line, in pixels."""
        across, down = self.end - self.start
        x, y = np.subtract(point, self.start)
        return float(across * y - down * x) / self.length

    def _cut(self, before: Point, after: Point, otherwise: float | None) -> float | None:
        """Where the way between two points cuts the line: 0 at its start, 1 at its end."""
        one, other = self._distance(before), self._distance(after)
        if (one > 0) == (other > 0):
            return otherwise
        point = np.asarray(before) + (np.subtract(after, before)) * one / (one - other)
        return float((point - self.start) @ (self.end - self.start)) / self.length ** 2

    def told(self) -> str:
        """The count in words."""
        return (f'{self.name}: {self.forward} forward, {self.backward} backward, '
                f'net {self.count}')

    def summary(self) -> dict[str, Any]:
        """The count for a file of results."""
        return dict(name=self.name, kind=self.kind, count=self.count, forward=self.forward,
                    backward=self.backward)

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs to go on from here, as JSON can hold it."""
        return dict(forward=self.forward, backward=self.backward,
                    walkers={str(key): asdict(one) for key, one in self._walkers.items()})

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`; ``crossings`` holds only those that come."""
        self.forward, self.backward = state['forward'], state['backward']
        self._walkers = {int(key): _Walker(**one) for key, one in state['walkers'].items()}


def _at_border(track: Track) -> bool:
    """Whether an animal reaches to the border of the image."""
    left, top, width, height = track.box
    return (left == 0 or top == 0 or left + width == track.outline.width
            or top + height == track.outline.height)
