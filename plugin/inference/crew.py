"""Processes that read and prepare images, and draw and write what was found in them."""
import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, Protocol

import torch

from plugin.utils.opencv import one_thread
from plugin.utils.workers import start_context

from .image_desk import Failed, ImageDesk, Ready, Reply, Work
from .inputs import Input

KILLED = ('a process that reads and writes images was killed, perhaps for lack of memory: give '
          'fewer by --workers; --resume goes on')


class Crew(Protocol):
    """Who reads and writes; replies come in any order.

    Attributes:
        crowd (int): How many images may be in memory at a time.
    """

    crowd: int

    def read(self, number: int, item: Input) -> None:
        """Ask for an image."""

    def write(self, number: int, answer: Any) -> None:
        """Ask for the files of an image that was read."""

    def drop(self, number: int) -> None:
        """Let go of an image that was read."""

    def reply(self) -> tuple[int, Reply]:
        """Wait for the next reply, and the number of its image."""


class OwnHands:
    """This process does it all.

    Args:
        results (Work): What is done with images.
        crowd (int): How many images may be in memory at a time.
    """

    def __init__(self, results: Work, crowd: int) -> None:
        self.crowd, self._desk = crowd, ImageDesk(results, crowd)
        self._replies: deque[tuple[int, Reply]] = deque()

    def read(self, number: int, item: Input) -> None:
        """Read an image."""
        self._replies.append((number, self._desk.read(number, item)))

    def write(self, number: int, answer: Any) -> None:
        """Write the files of an image."""
        self._replies.append((number, self._desk.write(number, answer)))

    def drop(self, number: int) -> None:
        """Let go of an image."""
        self._desk.drop(number)

    def reply(self) -> tuple[int, Reply]:
        """The next reply."""
        return self._replies.popleft()


class Processes:
    """Forked processes, each with a thread here that asks it and waits for its replies.

    They touch neither the network nor its device. They end after the request at hand when this
    process does, however it ends.

    Args:
        results (Work): What is done with images.
        workers (int): N processes.
        crowd (int): How many images may be in memory at a time.
    """

    def __init__(self, results: Work, workers: int, crowd: int) -> None:
        self.crowd = crowd
        self._replies: queue.SimpleQueue[tuple[int, Reply]] = queue.SimpleQueue()
        self._of: dict[int, int] = {}
        self._loads, self._ended = [0] * workers, False
        self._requests: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in range(workers)]
        context = multiprocessing.get_context('fork')
        ends = [context.Pipe() for _ in range(workers)]
        with one_thread(), warnings.catch_warnings():
            # the children use none of this process' threads
            warnings.filterwarnings('ignore', message='.*fork', category=DeprecationWarning)
            self._processes = [
                context.Process(target=_work, args=(results, crowd, number, ends), daemon=True)
                for number in range(workers)]
            for process in self._processes:
                process.start()
        for _, theirs in ends:
            theirs.close()
        self._pipes = [mine for mine, _ in ends]
        self._threads = [threading.Thread(target=self._serve, args=pair, daemon=True)
                         for pair in zip(self._pipes, self._requests, strict=True)]
        for thread in self._threads:
            thread.start()

    def read(self, number: int, item: Input) -> None:
        """Ask the process that has least to do."""
        worker = self._loads.index(min(self._loads))
        self._of[number] = worker
        self._loads[worker] += 1
        self._requests[worker].put(('read', number, item))

    def write(self, number: int, answer: Any) -> None:
        """Ask the process that holds the image."""
        self._requests[self._of[number]].put(('write', number, answer))

    def drop(self, number: int) -> None:
        """Let the process that holds the image forget it."""
        self._requests[self._of[number]].put(('drop', number))
        self._free(number)

    def reply(self) -> tuple[int, Reply]:
        """Wait for the next reply."""
        number, reply = self._replies.get()
        if not isinstance(reply, Ready):
            self._free(number)
        return number, reply

    def close(self) -> None:
        """Let the processes end what they are at, and wait for them."""
        self._ended = True
        for requests in self._requests:
            requests.put(None)
        for thread in self._threads:
            thread.join()
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()

    def _free(self, number: int) -> None:
        worker = self._of.pop(number, None)
        if worker is not None:
            self._loads[worker] -= 1

    def _serve(self, pipe: Connection, requests: queue.SimpleQueue) -> None:
        """One request at a time, so that neither side writes while nobody reads."""
        while (request := requests.get()) is not None and not self._ended:
            try:
                pipe.send(request)
                if request[0] != 'drop':
                    self._replies.put((request[1], pipe.recv()))
            except (EOFError, OSError):
                self._replies.put((request[1], Failed(OSError(KILLED))))
                return
            except Exception as error:  # else the work would wait for ever
                self._replies.put((request[1], Failed(error)))
                return


def _work(results: Work, crowd: int, number: int,
          ends: Sequence[tuple[Connection, Connection]]) -> None:
    """What a process does until nobody asks it any more."""
    for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):  # they are the parent's, which then ends this one
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    for other, (theirs, mine) in enumerate(ends):
        theirs.close()  # else this process would keep another's pipe open when the parent is gone
        if other != number:
            mine.close()
    torch.set_num_threads(1)  # a forked process has none of the threads of its parent
    desk, pipe = ImageDesk(results, crowd), ends[number][1]
    with contextlib.suppress(EOFError, OSError):
        while True:
            name, image, *more = pipe.recv()
            reply = getattr(desk, name)(image, *more)
            if reply is not None:
                pipe.send(reply)
    # neither the device nor the threads of the parent are this process' to end
    os._exit(0)


@contextlib.contextmanager
def crew_of(results: Work, workers: int, batch: int) -> Iterator[Crew]:
    """Those who read and write while the block lasts.

    Args:
        results (Work): What is done with images.
        workers (int): Processes; 0 for this one.
        batch (int): Images that the network takes at once.
    """
    if workers == 0 or start_context().get_start_method() != 'fork':
        yield OwnHands(results, batch)
        return
    processes = Processes(results, workers, 2 * workers + 2 * batch)
    try:
        yield processes
    finally:
        processes.close()
