"""One way past a camera: each track is an animal."""
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from plugin.utils import UserError

from .records import Crossing, Point, anchor_of, check_anchor, size_of
from .track import Track
from .zone import Zone

FORGET = 60.0  # seconds after which what is known of a track that is gone is forgotten


@dataclass
class _Way:
    """What is known of a track in the zone: where and when it began, and how far it came."""

    first: Point
    begun: float
    seen: float
    travelled: float = 0.0
    counted: bool = False


class Pass:
    """Counts confirmed tracks that came far enough, where each animal passes the camera once.

    A sum of identities grows with every track that is lost: an animal that is hidden for longer
    than the memory of the tracker, or turns around outside of the picture, counts again. Where a
    line can be drawn, a :class:`Gate` is better.

    Args:
        zone (Zone, optional): Where animals count. Defaults to the whole picture.
        seconds (float): For which a track must be seen there. Defaults to 0.5.
        distance (float): How far from its first point there it must come, in sizes of the animal
            (the square root of its area). Defaults to 1.
        anchor (str): The point of an animal, as of a gate. Defaults to ``centre``.
        name (str): In messages and tables. Defaults to ``pass``.

    Attributes:
        count (int): Tracks that counted.

    Raises:
        UserError: If a value is out of range.

    Example:
        >>> import numpy as np
        >>> from plugin.tracking import Pass, Tracker
        >>> tracker, counter = Tracker(rate=5), Pass()
        >>> for frame in range(8):
        ...     mask = np.zeros((1, 20, 40), bool)
        ...     mask[0, 5:15, 3 * frame:3 * frame + 12] = True
        ...     new = counter.update(frame / 5, tracker.update(mask, [0.9], [0], frame / 5))
        >>> counter.count
        1
    """

    kind = 'pass'

    def __init__(self, zone: Zone | None = None, *, seconds: float = 0.5, distance: float = 1.0,
                 anchor: str = 'centre', name: str = 'pass') -> None:
        check_anchor(anchor)
        if seconds < 0 or distance < 0:
            raise UserError(f'seconds={seconds}, distance={distance}: give 0 or more')
        self.zone, self.seconds, self.distance = zone, seconds, distance
        self.anchor, self.name = anchor, name
        self.count = 0
        self._ways: dict[int, _Way] = {}

    def update(self, time: float, tracks: Iterable[Track]) -> list[Crossing]:
        """Take the animals of a frame, at a time in seconds that grows; returns those that count
        from now on.
        """
        new = []
        for track in tracks:
            point = anchor_of(track, self.anchor)
            if self.zone is not None and point not in self.zone:
                continue
            way = self._ways.setdefault(track.id, _Way(point, time, time))
            way.seen = time
            way.travelled = max(way.travelled, float(np.hypot(*np.subtract(point, way.first))))
            if (track.confirmed and not way.counted and time - way.begun >= self.seconds
                    and way.travelled >= self.distance * size_of(track)):
                way.counted = True
                new.append(Crossing(time, 'pass', track.id, track.label, track.area))
        self.count += len(new)
        self._ways = {key: one for key, one in self._ways.items() if time - one.seen <= FORGET}
        return new

    def told(self) -> str:
        """The count in words."""
        return f'{self.name}: {self.count}'

    def summary(self) -> dict[str, Any]:
        """The count for a file of results."""
        return dict(name=self.name, kind=self.kind, count=self.count)

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs to go on from here, as JSON can hold it."""
        return dict(count=self.count,
                    ways={str(key): asdict(one) for key, one in self._ways.items()})

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.count = state['count']
        self._ways = {int(key): _Way(**one) for key, one in state['ways'].items()}
