"""Reads the tables of images back, as far as they are whole, in their order."""
import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np

from plugin.utils import UserError

from .inputs import Named
from .instance_results import InstanceResults, InstanceRows
from .pixel_results import PixelResults
from .tables import no_formula

Results = PixelResults | InstanceResults
OTHERS = ('{} lists {}, which is none of these inputs, or comes in another order: give the inputs '
          'of that run in its order, among which others may be, or another --out')


def cell_of(item: Named) -> str:
    """What the tables call an image."""
    return str(no_formula(str(item.shown)))


def listed(results: Results, folder: Path) -> Iterator[str]:
    """What the tables in a folder call the images that they list, in their order."""
    for name, _ in groupby(row[0] for row in _rows(folder / results.table_names[-1])):
        yield name


def check_order(results: Results, folder: Path, inputs: Iterable[Named]) -> None:
    """Stop at tables of other inputs.

    Raises:
        UserError: If a table lists an image that is no input, or not in the order of the inputs.
    """
    cells = map(cell_of, inputs)
    for name in listed(results, folder):
        if not any(name == cell for cell in cells):
            raise UserError(OTHERS.format(folder / results.table_names[-1], name))


class Earlier:
    """What tables list, to be asked for in the order of the inputs.

    Args:
        results (PixelResults | InstanceResults): Knows the tables, and the files of an image.
        folders (Sequence[Path]): Where tables lie; an image may be in several.
    """

    def __init__(self, results: Results, folders: Sequence[Path]) -> None:
        self._results = results
        rows_of: Callable[[Any, Path], Iterator] = (
            _instance_rows if isinstance(results, InstanceResults) else _pixel_rows)
        self._heads: dict[str, list[tuple[Any, Iterator]]] = {}
        for folder in folders:
            self._advance(rows_of(results, folder))

    def __call__(self, item: Named) -> Any:
        """The rows of an image; None if no table lists it, or its files are not all there."""
        heads = self._heads.pop(cell_of(item), [])
        if not heads:
            return None
        rows = heads[0][0](item)
        for _, source in heads:
            self._advance(source)
        return rows if all(path.is_file() for path in self._results.files(item)) else None

    def _advance(self, source: Iterator) -> None:
        name, rows = next(source, (None, None))
        if name is not None:
            self._heads.setdefault(name, []).append((rows, source))


def _pixel_rows(results: PixelResults, folder: Path) -> Iterator[tuple[str, Callable]]:
    classes = [str(no_formula(name)) for name in results.model.classes]
    for name, group in groupby(_rows(folder / 'areas.csv'), key=lambda row: row[0]):
        rows = list(group)
        if [row[1] for row in rows] != classes:
            return
        yield name, partial(_pixels, [int(row[2]) for row in rows])


def _pixels(numbers: list[int], item: Named) -> np.ndarray:
    return np.array(numbers)


def _instance_rows(results: InstanceResults, folder: Path) -> Iterator[tuple[str, Callable]]:
    animals, entries = _rows(folder / 'animals.csv'), _entries(folder / 'results.json')
    for name, *numbers in _rows(folder / 'counts.csv'):
        counts = [int(number) for number in numbers[:-2]]
        own = _next_of(animals, counts[0], 0, name)
        yield name, _InstanceReader(results, counts, own, entries)
        if len(own) != counts[0]:
            return


class _InstanceReader:
    """The rows of an image, once it is known which of the inputs it is."""

    def __init__(self, results: InstanceResults, counts: list[int], animals: list[list[str]],
                 entries: Iterator[dict]) -> None:
        self._results, self._counts, self._animals = results, counts, animals
        self._entries = entries

    def __call__(self, item: Named) -> InstanceRows | None:
        image_id, file_name = self._results.ids.images[item.path]
        number = self._counts[0]
        entries = _next_of(self._entries, number, 'file_name', file_name)
        if len(entries) != number or len(self._animals) != number:
            return None
        return InstanceRows([dict(entry, image_id=image_id) for entry in entries],
                            [row[1:] for row in self._animals], self._counts, False)


def _next_of(source: Iterator[Any], number: int, key: str | int, name: str) -> list[Any]:
    """The next entries of an image; those before it are of one whose row was not written."""
    if number == 0:
        return []
    first = next((one for one in source if one[key] == name), None)
    rest = [] if first is None else list(islice(source, number - 1))
    return [one for one in [first, *rest] if one is not None and one[key] == name]


def _rows(path: Path) -> Iterator[list[str]]:
    """The rows of a CSV file without its header; none if there is no file."""
    rows = csv.reader(_whole_lines(path))
    return islice(rows, 1, None)


def _whole_lines(path: Path) -> Iterator[str]:
    """The lines of a file without a last one that a kill cut short."""
    if path.is_file():
        # a cut may go through a letter
        with path.open(encoding='utf-8', errors='replace', newline='') as file:
            yield from (line for line in file if line.endswith('\n'))


def _entries(path: Path) -> Iterator[dict]:
    """The entries of a :class:`~plugin.inference.tables.JsonList`."""
    for line in _whole_lines(path):
        text = line.strip().rstrip(',')
        if text.startswith('{'):
            yield json.loads(text)
