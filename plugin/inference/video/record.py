"""The files that grow while a video is counted, and the state from which it goes on."""
import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from plugin.inference.tables import GrowingFile, Table
from plugin.tracking import Crossing, Pen, Track
from plugin.utils import UserError, write_atomically
from plugin.utils.numbers import jsonable

from .frame import Frame
from .hours import COLUMNS, Hours, moment_of
from .zones import Counter

STATE = '.state.json'
VERSION = 1
OTHER = ('{} was begun with {} {}, which does not go together with {}: give what that run was '
         'given, leave out --resume, or choose another --out')


class _Continued(GrowingFile):
    """A file that can go on behind its first bytes."""

    @property
    def end(self) -> int:
        """Bytes of its content."""
        return self._end

    def go_on(self, end: int) -> None:
        """Keep the first bytes of the file that is there, and append to them."""
        self._file = self.path.open('r+b', buffering=0)
        self._cut(end)


class _Rows(_Continued, Table):
    """CSV."""


class Record:
    """The tables of a video.

    Args:
        folder (Path): Of the results.
        counters (Sequence[Counter]): What counts.
        classes (Sequence[str]): Names of the C classes.
        started (float): When time was 0, in seconds of the clock; 0 for files.
    """

    def __init__(self, folder: Path, counters: Sequence[Counter], classes: Sequence[str],
                 started: float) -> None:
        self.folder, self._counters, self._classes = folder, counters, classes
        self._started = started
        self.hours = Hours(counters, started)
        self._frames = _Rows(folder / 'frames.csv', [
            'frame', 'time', 'found', 'tracked',
            *(f'{counter.name} {title}' for counter in counters for title in _titles(counter))])
        self._crossings = _Rows(folder / 'crossings.csv', [
            'time', 'clock', 'counter', 'direction', 'id', 'class', 'area'])
        self._mot = _Continued(folder / 'mot.txt', '')
        self._files = dict(frames=self._frames, crossings=self._crossings, mot=self._mot)

    def __enter__(self) -> 'Record':
        self._stack = contextlib.ExitStack()
        for file in self._files.values():
            self._stack.enter_context(file)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, traceback)

    def add(self, frame: Frame, found: int, tracks: Sequence[Track],
            crossings: Sequence[Sequence[Crossing]]) -> None:
        """Write what a frame brought.

        Args:
            frame (Frame): The frame.
            found (int): Number of sure detections.
            tracks (Sequence[Track]): The animals that are seen.
            crossings (Sequence[Sequence[Crossing]]): The new ones of each counter.
        """
        shown = [track for track in tracks if track.confirmed]
        self._mot.append(''.join(_mot_line(frame.number, track) for track in shown))
        self._crossings.write(
            [f'{one.time:.3f}', moment_of(self._started, one.time) if self._started else '',
             counter.name, one.direction, one.id, self._classes[one.label], one.area]
            for counter, new in zip(self._counters, crossings, strict=True) for one in new)
        self._frames.write([[frame.number, f'{frame.time:.3f}', found, len(shown), *(
            value for counter in self._counters for value in _values(counter))]])
        self.hours.add(frame.time, crossings)

    def write_hours(self) -> None:
        """Write the sums of the hours, whole or not at all."""
        path = self.folder / 'hours.csv'
        temporary = path.with_name('.hours.csv')
        temporary.unlink(missing_ok=True)
        with Table(temporary, COLUMNS) as table:
            table.write(self.hours.rows())
        temporary.replace(path)

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs, as JSON can hold it."""
        return dict(ends={name: file.end for name, file in self._files.items()},
                    hours=self.hours.state())

    def restore(self, state: dict[str, Any]) -> None:
        """Go on behind what was written when the state was; what came after it goes."""
        for name, file in self._files.items():
            file.go_on(state['ends'][name])
        self.hours.restore(state['hours'])


def _titles(counter: Counter) -> list[str]:
    return (['forward', 'backward'] if counter.kind == 'gate' else
            ['now', 'count'] if counter.kind == 'pen' else ['count'])


def _values(counter: Counter) -> list[int]:
    if isinstance(counter, Pen):
        return [counter.now, counter.count]
    return [getattr(counter, title) for title in _titles(counter)]


def _mot_line(index: int, track: Track) -> str:
    """A line of a result in the text format of MOTChallenge; frames and pixels begin at 1."""
    left, top, width, height = track.box
    return (f'{index + 1},{track.id},{left + 1},{top + 1},{width},{height},{track.score:.4f},'
            '-1,-1,-1\n')


def save_state(folder: Path, settings: dict[str, Any], state: dict[str, Any]) -> None:
    """Write the state of a run, whole or not at all."""
    content = dict(version=VERSION, settings=settings, **state)
    write_atomically(folder / STATE, json.dumps(content), durable=True)


def forget(folder: Path) -> None:
    """Remove what only belongs to an earlier run: its state, and its video."""
    for name in (STATE, 'video.mp4', 'video.m3u'):
        (folder / name).unlink(missing_ok=True)


def load_state(folder: Path, settings: dict[str, Any]) -> dict[str, Any] | str:
    """The state of an earlier run, or why there is none.

    Raises:
        UserError: If that run was one of other settings.
    """
    path = folder / STATE
    if not path.is_file():
        return f'nothing of an earlier run is in {folder}'
    try:
        state = json.loads(path.read_text('utf-8'))
        before = state['settings']
        ends = [(folder / name, state['record']['ends'][key]) for key, name in (
            ('frames', 'frames.csv'), ('crossings', 'crossings.csv'), ('mot', 'mot.txt'))]
        if state['version'] != VERSION:
            return f'{path} is of another version'
        short = [file.name for file, end in ends if not file.is_file()
                 or file.stat().st_size < end]
    except (KeyError, OSError, TypeError, ValueError):
        return f'{path} is damaged'
    for key, value in jsonable(settings).items():
        if before.get(key) != value:
            raise UserError(OTHER.format(folder, key, before.get(key), value))
    return f'{folder / short[0]} is shorter than it was' if short else state
