"""What a prediction keeps beside its results until it is finished, so that it can go on.

In ``.predicting`` of the folder of the results lies a folder for each start, with its settings, the
tables of its processes if there are several, or those of the start before, and the videos that were
done. The tables of a folder list images in the order of the inputs. What is not listed is
predicted; at the end all are written in that order, as if nothing had happened between.
"""
import contextlib
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from plugin.utils import UserError, write_atomically
from plugin.utils.launchers import Launch

from .earlier import Earlier, Results, check_order
from .inputs import Input
from .predicted import Predicted

FOLDER = '.predicting'
SETTINGS = 'settings.json'
OTHER_SETTINGS = ('{} holds results of an unfinished run with {}: give what that run was given, '
                  'leave out --resume, or choose another --out')
# what are numbers otherwise
WORDS = dict(network='another network or test pipeline', weights='other weights')


class Unfinished:
    """The state of a prediction on the disk.

    Args:
        results (PixelResults | InstanceResults): Their tables.
        inputs (Sequence[Input]): All inputs, also those of other processes.
        settings (dict): What must be the same when the prediction goes on, as JSON holds it.
        resume (bool): Take over what was done before.
        launch (Launch): This process among those that predict.
    """

    def __init__(self, results: Results, inputs: Sequence[Input], settings: dict[str, Any], *,
                 resume: bool, launch: Launch) -> None:
        self._results, self._out, self._launch = results, results.out, launch
        self._images = [item for item in inputs if not item.is_video]
        self._root, self._resume = results.out / FOLDER, resume
        # one process alone writes its tables where they belong
        token = secrets.token_hex(4)
        self._start = self._root / (launch.name if launch.size > 1 else f'{launch.name}-{token}')
        self._own = self._start / f'{launch.rank}-{token}'
        self.tables = self._own if launch.size > 1 else self._out
        self._was_finished = all(other == self._start for other in _folders(self._root))
        if resume:
            self._check(settings)
        elif launch.rank == 0:
            for other in _folders(self._root):
                if other != self._start:
                    shutil.rmtree(other, ignore_errors=True)
        self._begin(settings)
        self._videos = {line for folder in self._sources()
                        for line in _lines(folder / 'videos.txt')}
        self.known = Earlier(results, self._sources() if resume else [])

    def share(self, items: Iterable[Input]) -> Iterator[Input]:
        """The images or videos of this process, in their order."""
        for number, item in enumerate(items):
            if number % self._launch.size == self._launch.rank:
                yield item
            elif not item.is_video:
                self.known(item)  # is asked for all images

    def has_video(self, item: Input) -> bool:
        """Whether an earlier start did a video."""
        if not self._resume:
            return False
        if self._was_finished:
            return (self._out / 'videos' / f'{item.name}.csv').is_file()
        return str(item.shown) in self._videos

    def keep_video(self, item: Input) -> None:
        """Note that a video was done."""
        with contextlib.suppress(FileNotFoundError), (self._own / 'videos.txt').open(
                'a', encoding='utf-8', errors='backslashreplace') as file:
            file.write(f'{json.dumps(str(item.shown))}\n')

    def end(self, done: Predicted) -> bool:
        """Note that this process did its share; the last one writes the tables.

        Returns:
            bool: Whether all is done; False while other processes are still at work.
        """
        if self._launch.size > 1:
            told = dict(done=done.done, before=done.before,
                        failed={str(path): text for path, text in done.failed.items()})
            write_atomically(self._own / 'done.json', json.dumps(told))
            others = self._others()
            if others is None:
                return False
            if self._images:
                self._merge()
            done.done, done.before = (sum(other[key] for other in others)
                                      for key in ('done', 'before'))
            done.failed = {Path(path): text for other in others
                           for path, text in other['failed'].items()}
        shutil.rmtree(self._root, ignore_errors=True)
        return True

    def _check(self, settings: dict[str, Any]) -> None:
        """Stop where results would be mixed that do not go together."""
        for path in sorted(self._root.glob(f'*/{SETTINGS}')):
            before = json.loads(path.read_text('utf-8'))
            for key, value in settings.items():
                if before.get(key) != value:
                    what = WORDS.get(key, f'{key}={before.get(key)}, not {value}')
                    raise UserError(OTHER_SETTINGS.format(self._out, what))
        for folder in self._sources():
            check_order(self._results, folder, self._images)

    def _begin(self, settings: dict[str, Any]) -> None:
        """Make the folder of this start; tables that this process will write are set aside."""
        self._own.mkdir(parents=True)
        write_atomically(self._start / SETTINGS, json.dumps(settings))
        with contextlib.suppress(FileNotFoundError):
            (self._start / 'merging').rmdir()  # of a start of the same name, which was killed
        if not self._resume or self._launch.size > 1:
            return
        names = [name for name in self._results.table_names if (self._out / name).is_file()]
        copy = self._root / f'copy-{self._own.name}'
        copy.mkdir()
        for name in names:
            shutil.copyfile(self._out / name, copy / name)
        copy.rename(self._own / 'before')
        # without the last table the others list nothing
        for name in reversed(names):
            (self._out / name).unlink()

    def _sources(self) -> list[Path]:
        """Where tables may lie: those of the results, and those of all starts."""
        processes = [folder for start in _folders(self._root) for folder in _folders(start)]
        return [self._out, *processes, *(folder / 'before' for folder in processes
                                         if (folder / 'before').is_dir())]

    def _others(self) -> list[dict[str, Any]] | None:
        """What all processes of this start did; None while one is at work, or another one merges.
        """
        newest: dict[str, Path] = {}
        for folder in sorted(_folders(self._start), key=lambda path: path.stat().st_mtime_ns):
            newest[folder.name.partition('-')[0]] = folder / 'done.json'
        if len(newest) < self._launch.size or not all(path.is_file() for path in newest.values()):
            return None
        told = [json.loads(path.read_text('utf-8')) for path in newest.values()]
        try:
            (self._start / 'merging').mkdir()
        except FileExistsError:
            return None
        return told

    def _merge(self) -> None:
        """Write the tables of all processes as those of one."""
        sources = self._sources() if self._resume else _folders(self._start)
        rows_of, merged = Earlier(self._results, sources), self._root / 'merged'
        with self._results.tables(merged) as commit:
            for item in self._images:
                rows = rows_of(item)
                if rows is not None:
                    commit(item, rows)
        for path in _files(merged):
            path.replace(self._out / path.name)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _lines(path: Path) -> Iterator[str]:
    if path.is_file():
        yield from (json.loads(line) for line in path.read_text('utf-8').splitlines())
