"""Drawing in several processes, in a folder that nobody else writes to."""
import contextlib
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from plugin.utils import UserError
from plugin.utils.console import progress
from plugin.utils.locks import wait_for_folder
from plugin.utils.opencv import one_thread
from plugin.utils.workers import start_context


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Lock the folder: a second run waits, and then finds the set complete."""
    if root.exists() and not root.is_dir():
        raise FileExistsError(f'{root} is a file; give the name of a folder')
    root.mkdir(parents=True, exist_ok=True)
    with wait_for_folder(root):
        yield


def _ignore_interrupt() -> None:
    """Ctrl-C is for the parent, which stops the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def check_jobs(jobs: int) -> None:
    """Refuse a number of processes that draws nothing, with a :class:`UserError`."""
    if jobs < 1:
        raise UserError(f'jobs={jobs} draws nothing; give at least 1')


def run_all(draw: Callable[[tuple], None], tasks: list[tuple], jobs: int,
            chunk: int = 4) -> None:
    """Call ``draw`` with each of ``tasks`` in ``jobs`` processes, ``chunk`` at a time."""
    # OpenCV's threads do not speed up images of this size
    with one_thread():
        if jobs == 1 or len(tasks) < 2:
            for task in progress(tasks, 'Drawing', transient=True):
                draw(task)
            return
        pool = ProcessPoolExecutor(min(jobs, len(tasks)), start_context(), _ignore_interrupt)
        try:
            done = pool.map(draw, tasks, chunksize=chunk)
            for _ in progress(done, 'Drawing', total=len(tasks), transient=True):
                pass
        except BrokenProcessPool as error:
            raise UserError('a process was killed, perhaps for want of memory; run again with a '
                            'smaller --jobs, what is done is kept') from error
        finally:
            pool.shutdown(cancel_futures=True)
