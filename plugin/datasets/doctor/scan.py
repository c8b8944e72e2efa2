"""Every image looked at once, by all cores."""
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import cv2

from plugin.utils import UserError
from plugin.utils.console import progress
from plugin.utils.opencv import one_thread, quiet
from plugin.utils.workers import start_context

from .looking import Look, Looker
from .seen import Entry

# images handed to a process at once
CHUNK = 8
Job = tuple[int, Entry]
_lookers: list[Looker] = []


def scan(lookers: Sequence[Looker], entries: Sequence[Sequence[Entry]],
         jobs: int) -> list[list[Look]]:
    """Look at the images of P parts; one that several parts share alike is read once.

    On a terminal a bar shows the progress.

    Args:
        lookers (Sequence[Looker]): One a part.
        entries (Sequence[Sequence[Entry]]): The images of each part.
        jobs (int): Number of processes; 1 is this one.

    Returns:
        list[list[Look]]: What was seen, part by part, in the order of the entries.

    Raises:
        UserError: If ``jobs`` is below 1.
        OSError: If a process was killed.
    """
    if jobs < 1:
        raise UserError(f'jobs={jobs} does no work: give 1 or more')
    settings = [repr((looker.root, looker.settings())) for looker in lookers]
    first = [settings.index(setting) for setting in settings]
    unique: dict[Job, int] = {}
    for part, own in zip(first, entries):
        for entry in own:
            unique.setdefault((part, entry), len(unique))
    looks = list(progress(_looks(lookers, list(unique), jobs), 'looking at the images',
                          total=len(unique), transient=True))
    return [[looks[unique[part, entry]] for entry in own] for part, own in zip(first, entries)]


def _looks(lookers: Sequence[Looker], work: Sequence[Job], jobs: int) -> Iterator[Look]:
    if jobs == 1 or len(work) <= CHUNK:
        for part, entry in work:
            with quiet():
                look = lookers[part].look(entry)
            yield look
        return
    executor = ProcessPoolExecutor(jobs, start_context(),
                                   _begin, (list(lookers), ))
    try:
        with one_thread():
            yield from executor.map(_look, work, chunksize=CHUNK)
    except BrokenProcessPool as error:
        raise OSError('a process that reads images was killed, perhaps for lack of memory: '
                      'give fewer by --jobs') from error
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(lookers: list[Looker]) -> None:
    """Prepare a process: quiet, one thread, and gone when its parent is gone."""
    _lookers[:] = lookers
    if start_context().get_start_method() != 'fork':
        cv2.setNumThreads(1)
    # Ctrl-C is the parent's, which then ends the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # the decoders' own words about damaged files, which are findings
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a child
    parent.join()
    os._exit(1)


def _look(job: Job) -> Look:
    part, entry = job
    return _lookers[part].look(entry)
