"""The number of instances in all images together, and the interval in which the true one lies."""
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.utils import write_atomically

if TYPE_CHECKING:
    from .detector import Detector

# columns at the end of the tables of counts
SPAN = ('count_low', 'count_high')


class CountTotal:
    """Counts of images, one after the other.

    Args:
        detector (Detector): What counts.
        threshold (float, optional): Lowest score that counts. Defaults to the detector's.
    """

    def __init__(self, detector: 'Detector', threshold: float | None = None) -> None:
        self._threshold = detector.score_thr if threshold is None else threshold
        self._intervals = detector.count_intervals(self._threshold)
        self._found: list[int] = []

    @property
    def count(self) -> int:
        """The sum."""
        return sum(self._found)

    @property
    def interval(self) -> tuple[int, int] | None:
        """Lowest and highest true sum, with a probability of 90%; None where that is unknown."""
        return self._intervals.total(self._found)

    def span(self, count: int) -> tuple[int | None, int | None]:
        """Cells of an image: lowest and highest true number, empty where that is unknown."""
        return self._intervals.of(count) or (None, None)

    def add(self, count: int) -> None:
        """Take the count of an image."""
        self._found.append(count)

    @contextlib.contextmanager
    def written(self, path: Path) -> Iterator[None]:
        """Write what the block adds, whatever ends it."""
        try:
            yield
        except BaseException:
            # of an error before the first image an older file stays
            if self._found:
                self._write(path)
            raise
        self._write(path)

    def as_dict(self) -> dict[str, Any]:
        """``images``, ``count``, ``low``, ``high``, ``level`` (percent), the ``threshold``,
        ``calibrated_on`` (images of the validation), and the ``reason`` where there is no interval.
        """
        low, high = self.interval or (None, None)
        return dict(images=len(self._found), count=self.count, low=low, high=high,
                    level=self._intervals.level, threshold=self._threshold,
                    calibrated_on=self._intervals.images, reason=self._intervals.reason or None)

    def _write(self, path: Path) -> None:
        write_atomically(path, json.dumps(self.as_dict(), indent=1) + '\n')

    def __str__(self) -> str:
        animals = 'animal' if self.count == 1 else 'animals'
        images = 'image' if len(self._found) == 1 else 'images'
        text = f'{self.count} {animals} in {len(self._found)} {images}'
        if self.interval is None:
            reason = self._intervals.reason
            return f'{text}; no interval: {reason}' if reason else text
        low, high = self.interval
        return f'{text}; {low} to {high} with a probability of {self._intervals.level}%'
