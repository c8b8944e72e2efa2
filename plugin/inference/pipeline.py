"""The way of many images through reading, network and writing, which work side by side."""
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .crew import Crew
from .image_desk import Failed, Ready, Reply, Skipped, Written
from .inputs import Input
from .predicted import READING, WRITING, Predicted, cost_of, release_memory

# images that may wait for one before them, with nothing but their rows in memory
WAITING = 256
Known = Callable[[Input], Any]


class Tables:
    """The tables of the images, and what becomes of them.

    Args:
        commit (callable): Adds the rows of an image, ``(item, rows)``.
        done (Predicted): Counts what was done, and is told what could not.
        known (callable): The rows of an image that was done before, or None; asked in the order of
            the images.
    """

    def __init__(self, commit: Callable[[Input, Any], None], done: Predicted,
                 known: Known) -> None:
        self._commit, self._done, self._known = commit, done, known

    def earlier(self, item: Input) -> Written | None:
        """The rows of an image that was done before."""
        rows = self._known(item)
        if rows is None:
            return None
        self._done.before += 1
        return Written(rows)

    def add(self, item: Input, end: Written | Skipped) -> None:
        """Write the rows of an image, or tell why there are none."""
        if isinstance(end, Skipped):
            self._done.skip(item.path, end.error)
        else:
            self._commit(item, end.rows)
            self._done.done += 1


def predict_one_by_one(results: Any, inputs: Iterable[Input], tables: Tables) -> None:
    """Predict images, each before the next one is read."""
    for item in inputs:
        tables.add(item, tables.earlier(item) or _predict(results, item))


class Pipeline:
    """Predicts images; what is written and told comes in their order.

    The network takes images in their order, one or several of the same prepared size at a time.
    So whatever the number of processes, it is asked the same, and the results are the same. At
    most ``crew.crowd`` images are in memory. One for which memory is short beside the others is
    tried again when they are gone.

    Args:
        results (PixelResults | InstanceResults): Reads, asks the model, and writes.
        crew (Crew): Who reads and writes.
        tables (Tables): What takes the rows.
        batch (int): Images that the network takes at once.
    """

    def __init__(self, results: Any, crew: Crew, tables: Tables, batch: int) -> None:
        self._results, self._crew, self._tables, self._batch = results, crew, tables, batch
        # images on their way by number, in their order; each is read, then prepared, then ended,
        # or tried again between
        self._items: dict[int, Input] = {}
        self._prepared: dict[int, Any] = {}
        self._retried: set[int] = set()
        self._ended: dict[int, Written | Skipped] = {}
        self._turn = self._next = 0  # of the network, and of the reader
        self._inside = self._awaited = 0  # images that the crew holds, and replies of it

    def run(self, inputs: Iterable[Input]) -> None:
        """Predict images."""
        source = iter(inputs)
        is_over = False
        while not is_over or self._items:
            is_over = is_over or self._read_more(source)
            batch = self._next_batch(is_over)
            if batch:
                self._ask(batch)
            elif self._awaited:
                self._take(*self._crew.reply())
            elif self._retried:
                self._retry(min(self._retried))
            self._add_to_tables()

    def _read_more(self, source: Iterator[Input]) -> bool:
        """Ask for as many images as there is room for; whether that was the last one."""
        most = self._crew.crowd
        while (self._inside < most and len(self._items) < most + WAITING and not self._retried):
            item = next(source, None)
            if item is None:
                return True
            number, self._next = self._next, self._next + 1
            self._items[number] = item
            earlier = self._tables.earlier(item)
            if earlier is not None:
                self._ended[number] = earlier
                self._add_to_tables()
                continue
            self._inside, self._awaited = self._inside + 1, self._awaited + 1
            self._crew.read(number, item)
        return False

    def _next_batch(self, is_over: bool) -> list[int]:
        """The images that the network takes next; empty while they are not known."""
        while self._turn < self._next and self._turn not in self._items:
            self._turn += 1
        found: list[int] = []
        for number in range(self._turn, self._next):
            if number in self._prepared:
                if found and not _fit(self._prepared[found[0]], self._prepared[number]):
                    return found
                found.append(number)
                if len(found) == self._batch:
                    return found
            elif number not in self._ended and number not in self._retried:
                return []  # it is being read
        return found if is_over or not self._awaited else []

    def _ask(self, batch: list[int]) -> None:
        """Let the network answer, and the crew write it."""
        self._turn = batch[-1] + 1
        prepared = [self._prepared.pop(number) for number in batch]
        try:
            answers = self._results.ask(prepared)
        except Exception as error:
            if cost_of(error, self._items[batch[0]].path, WRITING) is None:
                raise
            # one of several, or short of memory: each is tried again for itself
            for number in batch:
                self._inside -= 1
                self._crew.drop(number)
                self._retried.add(number)
            return
        for number, answer in zip(batch, answers, strict=True):
            self._awaited += 1
            self._crew.write(number, answer)

    def _take(self, number: int, reply: Reply) -> None:
        self._awaited -= 1
        if isinstance(reply, Failed):
            reply.raise_again()
        if isinstance(reply, Ready):
            self._prepared[number] = reply.prepared
            return
        self._inside -= 1
        if isinstance(reply, (Written, Skipped)):
            self._ended[number] = reply
        else:
            self._retried.add(number)

    def _retry(self, number: int) -> None:
        """Predict an image while no other one is in memory."""
        self._retried.discard(number)
        self._ended[number] = _predict(self._results, self._items[number])

    def _add_to_tables(self) -> None:
        """Take from the way what comes next in the order."""
        while self._items and (number := next(iter(self._items))) in self._ended:
            self._tables.add(self._items.pop(number), self._ended.pop(number))


def _predict(results: Any, item: Input) -> Written | Skipped:
    """Read, predict and write an image."""
    kinds: tuple[type[Exception], ...] = READING
    try:
        image = results.read(item.path)
        kinds = WRITING
        return Written(results.write(item, image, results.answer(image)))
    except Exception as error:
        told = cost_of(error, item.path, kinds)
        if told is None:
            raise
    release_memory()
    return Skipped(told)


def _fit(first: Any, second: Any) -> bool:
    """Whether the network takes two prepared images at once."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return False
    return first['inputs'].shape == second['inputs'].shape
