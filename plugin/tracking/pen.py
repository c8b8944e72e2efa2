"""A closed pen: how many animals are seen at the same time."""
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from plugin.utils import UserError

from .records import Crossing, anchor_of, check_anchor
from .track import Track
from .zone import Zone


class Pen:
    """Counts animals that stay, by a robust maximum over time of how many are seen at once.

    In each frame the confirmed tracks in the zone are counted. The median of the last ``window``
    seconds takes out single frames in which an animal is missed or seen double. The count is the
    ``quantile`` of these medians over the whole video: animals hide behind each other, so that the
    typical number is too low, while the highest one is that of the worst error. Identities do not
    matter, nor how often a track is lost.

    Args:
        zone (Zone, optional): The pen. Defaults to the whole picture.
        window (float): Seconds. Defaults to 5.
        quantile (float): Share of the video in which no more animals are seen, 0..1. Defaults to
            0.95.
        anchor (str): The point of an animal that lies in the zone, as of a gate. Defaults to
            ``centre``.
        name (str): In messages and tables. Defaults to ``pen``.

    Raises:
        UserError: If a value is out of range.

    Example:
        >>> import numpy as np
        >>> from plugin.tracking import Pen, Tracker
        >>> tracker, pen, masks = Tracker(rate=5), Pen(), np.zeros((2, 20, 40), bool)
        >>> masks[0, 5:15, 2:12], masks[1, 5:15, 20:30] = True, True
        >>> for frame in range(40):
        ...     seen = masks[:1] if frame % 4 == 3 else masks  # one is missed now and then
        ...     time, ones = frame / 5, np.ones(len(seen))
        ...     new = pen.update(time, tracker.update(seen, ones, 0 * ones, time))
        >>> pen.count
        2
    """

    kind = 'pen'

    def __init__(self, zone: Zone | None = None, *, window: float = 5.0, quantile: float = 0.95,
                 anchor: str = 'centre', name: str = 'pen') -> None:
        check_anchor(anchor)
        if not window >= 0 or not 0 <= quantile <= 1:
            raise UserError(f'window={window}, quantile={quantile}: give 0 seconds or more, and a '
                            'share from 0 to 1')
        self.zone, self.window, self.quantile = zone, window, quantile
        self.anchor, self.name = anchor, name
        self.now = 0
        self._recent: deque[tuple[float, int]] = deque()
        self._medians: Counter[int] = Counter()
        self._since: float | None = None

    def update(self, time: float, tracks: Iterable[Track]) -> list[Crossing]:
        """Take the animals of a frame, at a time in seconds that grows; nothing is crossed."""
        self.now = sum(track.confirmed and (
            self.zone is None or anchor_of(track, self.anchor) in self.zone) for track in tracks)
        self._since = time if self._since is None else self._since
        self._recent.append((time, self.now))
        while self._recent[0][0] < time - self.window:
            self._recent.popleft()
        # what is not confirmed yet at the beginning is no empty pen
        if time - self._since >= self.window:
            self._medians[self._median()] += 1
        return []

    @property
    def count(self) -> int:
        """The number of animals."""
        return self.at(self.quantile)

    @property
    def spread(self) -> tuple[int, int]:
        """The typical number (the median over time), and the highest one."""
        return self.at(0.5), self.at(1.0)

    @property
    def medians(self) -> dict[int, int]:
        """Number of frames at which each number was the median of the window."""
        return dict(self._medians)

    def at(self, quantile: float, since: dict[int, int] | None = None) -> int:
        """The number that a share of the video does not exceed, 0 before the first frame.

        Args:
            quantile (float): The share, 0..1.
            since (dict, optional): Earlier ``medians``: only what came after them counts.
        """
        counts = Counter(self._medians)
        counts.subtract(since or {})
        total, below = sum(counts.values()), 0
        for number in sorted(counts):
            below += counts[number]
            if total and below >= quantile * total and counts[number]:
                return number
        # of a video shorter than the window
        return self._median() if self._recent and not total else 0

    def _median(self) -> int:
        """The lower median of the window."""
        return sorted(number for _, number in self._recent)[(len(self._recent) - 1) // 2]

    def told(self) -> str:
        """The count in words."""
        typical, highest = self.spread
        return f'{self.name}: {self.count} (now {self.now}, typical {typical}, highest {highest})'

    def summary(self) -> dict[str, Any]:
        """The count for a file of results."""
        typical, highest = self.spread
        return dict(name=self.name, kind=self.kind, count=self.count, typical=typical,
                    highest=highest)

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs to go on from here, as JSON can hold it."""
        return dict(now=self.now, recent=list(self._recent), since=self._since,
                    medians=sorted(self._medians.items()))

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.now, self._since = state['now'], state['since']
        self._recent = deque((time, number) for time, number in state['recent'])
        self._medians = Counter(dict(map(tuple, state['medians'])))
