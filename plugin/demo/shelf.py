"""Keeps images and predictions of the visitors for a while, and deletes them."""
import contextlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Kept(NamedTuple):
    """A predicted image.

    Attributes:
        number (int): From 1, in the order of the upload.
        name (str): To be shown.
        path (Path): The image; its arrays lie beside it, with the suffix ``.npz``.
        shape (tuple[int, int]): Height and width in pixels.
        summary (Any): What the tables need without the arrays.
    """

    number: int
    name: str
    path: Path
    shape: tuple[int, int]
    summary: Any


class Batch:
    """The images of one upload.

    Attributes:
        folder (Path): Holds all files of the batch.
        used (float): When it was last asked for, in seconds of the shelf's clock.
        images (list[Kept]): Those done so far.
        busy (bool): Whether images are still being added.
        lock (threading.Lock): Held while files for the download are written.
    """

    def __init__(self, folder: Path, now: float) -> None:
        self.folder, self.used, self.busy = folder, now, True
        self.images: list[Kept] = []
        self.lock = threading.Lock()


class Gone(LookupError):
    """The batch has been forgotten."""


class Shelf:
    """The batches of all visitors, each behind a token that nobody guesses.

    Args:
        root (Path): Folder for the batches.
        max_bytes (int): What they may take together; the least recently used one is deleted
            first.
        age (float): Seconds after which an unused batch is deleted.
        clock (callable): Gives seconds; never goes back.
    """

    def __init__(self, root: Path, max_bytes: int, age: float,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.root, self.max_bytes, self.age, self._clock = root, max_bytes, age, clock
        self._batches: dict[str, Batch] = {}
        self._lock = threading.Lock()

    def open(self) -> tuple[str, Batch]:
        """Begin a batch; it is kept as long as it is ``busy``."""
        token = secrets.token_urlsafe(24)
        batch = Batch(self.root / secrets.token_hex(8), self._clock())
        with self._lock:
            batch.folder.mkdir(parents=True)
            self._batches[token] = batch
        return token, batch

    def get(self, token: str) -> Batch:
        """The batch of a token.

        Raises:
            Gone: If there is none any more.
        """
        with self._lock:
            if token not in self._batches:
                raise Gone('These results have been put away; send the images again.')
            batch = self._batches[token]
            batch.used = self._clock()
            return batch

    def drop(self, token: str) -> None:
        """Forget a batch, if it is there."""
        with self._lock:
            batch = self._batches.pop(token, None)
        if batch is not None:
            shutil.rmtree(batch.folder, ignore_errors=True)

    def make_space(self) -> bool:
        """Delete what must go; returns False if batches that are busy fill the shelf."""
        self.tidy()
        return folder_bytes(self.root) <= self.max_bytes

    def tidy(self) -> None:
        """Delete old batches, then the least recently used ones until the rest fits."""
        with self._lock:
            known = {batch.folder for batch in self._batches.values()}
            unknown = [folder for folder in self.root.glob('*') if folder not in known]
            idle = sorted((token for token, batch in self._batches.items() if not batch.busy),
                          key=lambda token: self._batches[token].used)
            ages = {token: self._clock() - self._batches[token].used for token in idle}
        # an image that was being predicted when its batch was dropped makes the folder again
        for folder in unknown:
            shutil.rmtree(folder, ignore_errors=True)
        for token in idle:
            if ages[token] > self.age or folder_bytes(self.root) > self.max_bytes:
                self.drop(token)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(_state(path)[1] for path in _files(folder))


def sweep(folder: Path, age: float, max_bytes: int, now: float) -> None:
    """Delete the old files below a folder, then the oldest ones until the rest fits.

    Args:
        folder (Path): Nothing outside it is touched.
        age (float): Seconds after which a file is old.
        max_bytes (int): Bytes that may stay.
        now (float): Seconds as ``time.time()`` gives them.
    """
    files = sorted((*_state(path), path) for path in _files(folder) if not path.is_symlink())
    left = sum(size for _, size, _ in files)
    for written, size, path in files:
        if now - written <= age and left <= max_bytes:
            break
        path.unlink(missing_ok=True)
        left -= size


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder; what another thread removes meanwhile is passed over."""
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names)


def _state(path: Path) -> tuple[float, int]:
    """When a file was written, and its bytes; zeros if it has just gone."""
    with contextlib.suppress(FileNotFoundError):
        if path.is_file():
            state = path.stat()
            return state.st_mtime, state.st_size
    return 0.0, 0
