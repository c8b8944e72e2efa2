"""One video: its tracker, its counters, and what is written of them."""
import contextlib
import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from plugin.tracking import Tracker
from plugin.utils import write_atomically
from plugin.utils.console import progress, say, warn
from plugin.utils.io import remove_leftovers
from plugin.utils.locks import working_in

from .frame import Finder, Frame, Seen, Source, SourceError
from .hours import clock
from .overlay import MinuteVideo, draw_frame
from .record import Record, forget, load_state, save_state
from .zones import Ways

MINUTE = 60
LOW = 0.5  # of the score threshold: so sure must be what continues a track


class Session:
    """Counts one video into a folder.

    Args:
        model (Finder): Finds the animals.
        source (Source): Gives the frames.
        ways (Ways): What counts.
        folder (Path): Of the results.
        memory (float): Seconds for which an animal that is hidden keeps its id.
        overlays (bool): Write the video.
        opacity (float): Of its colours, 0 to 1.

    Attributes:
        source (Source): The source.
        total (dict): What ``total.json`` says; empty before the first frame.
    """

    def __init__(self, model: Finder, source: Source, ways: Ways, folder: Path, *,
                 memory: float = 2.0, overlays: bool = True, opacity: float = 0.5) -> None:
        self.source, self.total = source, dict[str, Any]()
        self._model, self._ways, self._folder = model, ways, folder
        self._overlays, self._opacity = overlays, opacity
        self._low = max(model.least_score, LOW * model.score_thr)
        self.tracker = Tracker(high=model.score_thr, low=min(self._low, model.score_thr),
                               memory=memory, rate=source.rate)
        self.counters = ways.counters()
        self._size: tuple[int, int] | None = None
        self._frames, self._last, self._minute, self._full = 0, 0.0, 0, 0
        self._video: MinuteVideo | None = None

    def settings(self) -> dict[str, Any]:
        """What must be the same when the counting goes on."""
        return dict(self.source.identity(), ways=self._ways.settings(), model=self._model.config,
                    classes=self._model.classes, threshold=self.tracker.high,
                    memory=self.tracker.memory, overlays=self._overlays)

    def run(self, resume: bool = False) -> Generator[Seen, None, None]:
        """Count to the end of the source, or until the iterator is closed.

        Args:
            resume (bool): Go on where a run was stopped. Defaults to False.

        Yields:
            Seen: What was seen in each frame.

        Raises:
            SourceError: If it ends before its time; what came before was counted.
            UserError: If what counts does not fit the picture, or the settings are not those of
                the run that would be resumed.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with working_in(self._folder, self._sweep):
            state = load_state(self._folder, self.settings()) if resume else None
            if isinstance(state, str):
                say(f'{self.source.name} is counted from its beginning: {state}')
            if not isinstance(state, dict):
                yield from self._count(None)
            elif state['finished']:
                say(f'{self.source.name} was counted to its end before')
                self._restore_counters(state)
                self.total = json.loads((self._folder / 'total.json').read_text('utf-8'))
            else:
                yield from self._count(state)

    def _sweep(self) -> None:
        """Remove the temporary files of runs that were killed."""
        for folder in (self._folder, self._folder / 'video'):
            if folder.is_dir():
                remove_leftovers(folder, r'.*\.(csv|json|m3u|mp4|txt)')

    def _count(self, state: dict[str, Any] | None) -> Iterator[Seen]:
        if state is not None and self.source.is_live:
            self.source.started = state['started']
        record = Record(self._folder, self.counters, self._model.classes, self.source.started)
        with record, self._model.at_threshold(self._low):
            if state is not None:
                self._restore(state, record)
            ended: BaseException | None = None
            start = state['frame'] if state else 0
            try:
                # what reads a camera must end now, not when its garbage is collected
                with contextlib.closing(self.source.frames(start)) as frames:
                    for frame in progress(frames, self.source.name,
                                          total=max(0, self.source.total - start) or None):
                        yield self._add(frame, record)
            except BaseException as error:
                ended = error
                raise
            finally:
                self._end(ended, record)

    def _add(self, frame: Frame, record: Record) -> Seen:
        """Count a frame."""
        self._check(frame)
        if self._frames == 0:
            forget(self._folder)
        if self._overlays and self._video is None:
            self._video = MinuteVideo(self._folder, self.source.rate, self._minute)
        if frame.time // MINUTE > self._minute:
            self._save(frame, record)
        found = self._model(frame.image)
        tracks = self.tracker.update(found, [one.score for one in found],
                                     [one.label for one in found], frame.time)
        crossings = [counter.update(frame.time, tracks) for counter in self.counters]
        sure = sum(one.score >= self.tracker.high for one in found)
        # unsure ones that fill the limit keep no sure one out
        self._full += found.is_full and self._model.cap is not None and sure >= self._model.cap[1]
        record.add(frame, sure, tracks, crossings)
        self._frames, self._last = self._frames + 1, frame.time
        lines, image = [clock(frame.time), *(one.told() for one in self.counters)], None
        if self._video is not None:
            image = draw_frame(frame.image, tracks, self.counters, lines, self._opacity)
            self._video.add(image, frame.time)
        return Seen(frame.time, lines, image)

    def _check(self, frame: Frame) -> None:
        """Stop at a frame of another size, on which line and zones mean something else."""
        height, width = frame.image.shape[:2]
        if self._size is None:
            self._ways.check(width, height)
            self._size = width, height
        elif self._size != (width, height):
            before = f'{self._size[0]}x{self._size[1]}'
            raise SourceError(f'{self.source.name} changes its size: frame {frame.number} has '
                              f'{width}x{height} pixels, those before {before}: cut it there, and '
                              'count the parts')

    def _save(self, frame: Frame, record: Record) -> None:
        """Save the state before the first frame of a minute."""
        self._minute = int(frame.time // MINUTE)
        if self._video is not None:
            self._video.next(self._minute)
            self._video.list_pieces()
        record.write_hours()
        self._write_total('the work goes on')
        save_state(self._folder, self.settings(), self._state(frame.number, record))

    def _state(self, frame: int, record: Record, finished: bool = False) -> dict[str, Any]:
        return dict(frame=frame, finished=finished, frames=self._frames, last=self._last,
                    minute=self._minute, full=self._full, size=self._size,
                    started=self.source.started, record=record.state(),
                    tracker=self.tracker.state(),
                    counters=[counter.state() for counter in self.counters])

    def _restore(self, state: dict[str, Any], record: Record) -> None:
        self.tracker.restore(state['tracker'])
        self._restore_counters(state)
        record.restore(state['record'])
        self._frames, self._last, self._minute, self._full = (
            state[name] for name in ('frames', 'last', 'minute', 'full'))
        width, height = state['size']
        self._size = width, height
        say(f'{self.source.name} goes on at {clock(state["last"])}, with frame {state["frame"]}')

    def _restore_counters(self, state: dict[str, Any]) -> None:
        for counter, one in zip(self.counters, state['counters'], strict=True):
            counter.restore(one)

    def _end(self, error: BaseException | None, record: Record) -> None:
        """Write what is known at the end, whatever ended it."""
        if self._video is not None:
            # what was drawn until then is kept, unless it could not be written
            self._video.close(error if isinstance(error, OSError) else None)
        if not self._frames:
            return
        record.write_hours()
        is_stopped = isinstance(error, (GeneratorExit, KeyboardInterrupt))
        self._write_total('it was stopped' if is_stopped else
                          str(error) or type(error).__name__ if error is not None else '')
        if self._video is not None:
            self._video.list_pieces() if error is not None else self._video.join()
        if error is None:
            save_state(self._folder, self.settings(), self._state(-1, record, finished=True))
            if self._video is not None:
                self._video.remove_pieces()
        if self._full and self._model.cap is not None:
            key, most = self._model.cap
            warn(f'in {self._full} frames of {self.source.name} {most} instances were found, as '
                 f'many as the config allows ({key}={most}), and there may be more: raise it in '
                 'the config')

    def _write_total(self, ended: str) -> None:
        self.total = dict(
            source=self.source.name, frames=self._frames, seconds=round(self._last, 3),
            threshold=self.tracker.high, ended=ended or 'the end of the video',
            counters=[counter.summary() for counter in self.counters],
            tracks_begun=self.tracker.begun)
        write_atomically(self._folder / 'total.json', json.dumps(self.total, indent=1) + '\n')

    def told(self) -> list[str]:
        """The counts in words."""
        return [f'{self.total["frames"]} frames, {clock(self.total["seconds"])}',
                *(counter.told() for counter in self.counters)]
