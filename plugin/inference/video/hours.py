"""What was counted in each hour."""
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from plugin.tracking import Crossing, Pen

from .zones import Counter

COLUMNS = ('hour', 'begins', 'counter', 'count', 'forward', 'backward')
HOUR = 3600


class Hours:
    """Sums of each hour and counter; of a pen the number in that hour.

    Args:
        counters (Sequence[Counter]): What counts.
        started (float): When time was 0, in seconds of the clock; hours are then those of the
            clock. 0 for files, whose hours begin with the video.
    """

    def __init__(self, counters: Sequence[Counter], started: float = 0.0) -> None:
        self._counters, self._started = counters, started
        moment = datetime.fromtimestamp(started)
        self._offset = moment.minute * 60 + moment.second if started else 0
        self._rows: list[list[Any]] = []
        self._hour = -1
        self._before: list[dict[int, int]] = []

    def add(self, time: float, crossings: Sequence[Sequence[Crossing]]) -> None:
        """Take the new crossings of each counter, at a time in seconds."""
        hour = int((time + self._offset) // HOUR)
        if hour != self._hour:
            self._hour = hour
            self._before = [one.medians if isinstance(one, Pen) else {} for one in self._counters]
            self._rows += [[hour, self._begins(hour), one.name, 0, 0, 0] for one in self._counters]
        current = self._rows[len(self._rows) - len(self._counters):]
        for row, counter, new, before in zip(current, self._counters, crossings, self._before,
                                             strict=True):
            if isinstance(counter, Pen):
                row[3] = counter.at(counter.quantile, before)
                continue
            forward = sum(one.direction == 'forward' for one in new)
            backward = sum(one.direction == 'backward' for one in new)
            row[4:] = row[4] + forward, row[5] + backward
            row[3] += forward - backward if counter.kind == 'gate' else len(new)

    def rows(self) -> list[list[Any]]:
        """Lines of a table, with :data:`COLUMNS`; only a gate has directions."""
        kinds = {one.name: one.kind for one in self._counters}
        return [row if kinds[row[2]] == 'gate' else [*row[:4], '', ''] for row in self._rows]

    def _begins(self, hour: int) -> str:
        """When an hour begins: of a file as hours and minutes of the video."""
        seconds = hour * HOUR - self._offset
        return moment_of(self._started, max(seconds, 0)) if self._started else clock(seconds)

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs to go on from here, as JSON can hold it."""
        return dict(rows=self._rows, hour=self._hour,
                    before=[sorted(one.items()) for one in self._before])

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self._rows, self._hour = state['rows'], state['hour']
        self._before = [dict(map(tuple, one)) for one in state['before']]


def clock(seconds: float) -> str:
    """Seconds as ``h:mm:ss``."""
    whole = int(seconds)
    return f'{whole // HOUR}:{whole // 60 % 60:02}:{whole % 60:02}'


def moment_of(started: float, seconds: float) -> str:
    """The moment in local time, to the second."""
    return datetime.fromtimestamp(started + seconds).isoformat(' ', 'seconds')
