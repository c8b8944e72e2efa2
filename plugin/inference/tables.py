"""Tables that grow while the work goes on, and are whole at any moment, also after a kill."""
import contextlib
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from plugin.utils import write_atomically
from plugin.utils.errors import is_full_disk

Self = TypeVar('Self', bound='GrowingFile')
# what a spreadsheet takes for a formula, which may call programs; and what is only a number
FORMULA = re.compile(r'[=+\-@\t\r]')
NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')


class GrowingFile:
    """A file to which content is added, each time all or nothing.

    It takes the place of an older file with the first addition, or when the block ends well.
    Whatever ends the block or the process, all that was added is in the file.

    Args:
        path (Path): The file.
        head (str): What it begins with.
    """

    def __init__(self, path: Path, head: str) -> None:
        self.path, self._head = path, head.encode()
        self._file: io.FileIO | None = None
        self._end = len(self._head)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if error is None:
            self.begin()
        if self._file is not None:
            self._file.close()

    def append(self, text: str) -> None:
        """Add text.

        Raises:
            OSError: If it does not fit on the disk; the file is as before then.
        """
        self.begin()
        end = self._end
        try:
            self._write(text.encode(), end)
            self._end += len(text.encode())
        except BaseException as error:
            self._cut(end)
            if isinstance(error, OSError) and is_full_disk(error):
                error.filename = str(self.path)
            raise

    @contextlib.contextmanager
    def undone_by_errors(self) -> Iterator[None]:
        """Take back what the block adds if it raises."""
        end = self._end
        try:
            yield
        except BaseException:
            if self._file is not None:
                self._cut(end)
            raise

    def _tail(self, end: int) -> bytes:
        """What follows the content if that has so many bytes, head included."""
        return b''

    def begin(self) -> None:
        """Take the place of an older file."""
        if self._file is None:
            write_atomically(self.path, self._head + self._tail(self._end))
            self._file = self.path.open('r+b', buffering=0)

    def _write(self, content: bytes, at: int) -> None:
        """Write content and tail at once, so that a kill does not come between them."""
        assert self._file is not None
        left = memoryview(content + self._tail(at + len(content)))
        self._file.seek(at)
        while left:
            left = left[self._file.write(left):]

    def _cut(self, end: int) -> None:
        """Take back what was added after the first ``end`` bytes."""
        assert self._file is not None
        self._end = end
        self._file.truncate(end + len(self._tail(end)))
        self._write(b'', end)


class Table(GrowingFile):
    """CSV whose cells no spreadsheet takes for formulas.

    Args:
        path (Path): The file.
        header (Sequence[str]): Titles of the columns.
    """

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        super().__init__(path, _csv([header]))

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Append rows, all or none."""
        self.append(_csv(rows))


class AreaTable(Table):
    """CSV of the pixels and the share of each class, a row for each input and class.

    Args:
        path (Path): The file.
        title (str): Title of the first column.
        classes (Sequence[str]): The C names.
    """

    def __init__(self, path: Path, title: str, classes: Sequence[str]) -> None:
        super().__init__(path, [title, 'class', 'pixels', 'share'])
        self.classes = classes

    def add(self, name: Any, labels: np.ndarray) -> None:
        """Count the pixels of a label map ``(H, W)``."""
        self.add_pixels(name, class_pixels(labels, len(self.classes)))

    def add_pixels(self, name: Any, pixels: np.ndarray) -> None:
        """Add the pixels of each class, ``(C, )``."""
        total = pixels.sum()
        self.write([name, label, int(number), f'{number / total:.6f}']
                   for label, number in zip(self.classes, pixels, strict=True))


class JsonList(GrowingFile):
    """JSON list, one entry a line.

    Args:
        path (Path): The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, '[')

    def add(self, entries: Sequence[dict]) -> None:
        """Append entries, all or none."""
        lines = ',\n'.join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        between = '\n' if self._end == len(self._head) else ',\n'
        self.append(between + lines if lines else '')

    def _tail(self, end: int) -> bytes:
        return b']\n' if end == len(self._head) else b'\n]\n'


def class_pixels(labels: np.ndarray, classes: int) -> np.ndarray:
    """The number of pixels of each of the C classes, ``(C, )``, in a label map ``(H, W)``."""
    return np.bincount(labels.ravel(), minlength=classes)


def no_formula(value: Any) -> Any:
    """A cell of a CSV file that a spreadsheet shows as it is.

    Args:
        value (Any): A text or a number.

    Returns:
        Any: The value; a text that begins as a formula does gets an apostrophe before it.

    Example:
        >>> from plugin.inference.tables import no_formula
        >>> no_formula('=1+1'), no_formula('-1.5'), no_formula(-2)
        ("'=1+1", '-1.5', -2)
    """
    if isinstance(value, (int, float)) or value is None:
        return value
    text = str(value)
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO(newline='')
    csv.writer(text).writerows([no_formula(value) for value in row] for row in rows)
    return text.getvalue()
