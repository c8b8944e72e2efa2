"""What is done with an image before and after the network, and how that can end."""
import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn, Protocol

import numpy as np
from torch._utils import ExceptionWrapper

from plugin.utils import UserError
from plugin.utils.errors import is_out_of_memory
from plugin.utils.memory import free_memory

from .headers import TooLarge, number_of_pixels
from .inputs import Input
from .predicted import READING, WRITING, cost_of
from .predictor import Prepared

# bytes that a pixel takes at most while its image is read, prepared, drawn and written
BYTES = 64
# smaller images need not be looked at before
SMALL = 1 << 22


class Ready(NamedTuple):
    """An image is in memory, prepared for the network."""

    prepared: Prepared


class Written(NamedTuple):
    """The files of an image are on the disk; these are its rows of the tables."""

    rows: Any


class Skipped(NamedTuple):
    """An image cannot be done, and why."""

    error: Exception


class Retry(NamedTuple):
    """An image needs more memory than there is beside others."""


class Failed(NamedTuple):
    """Something failed that is not the image's fault.

    Attributes:
        error (Exception | ExceptionWrapper): What; of most errors only their text comes from
            another process.
    """

    error: Exception | ExceptionWrapper

    def raise_again(self) -> NoReturn:
        """Raise it here."""
        if isinstance(self.error, ExceptionWrapper):
            self.error.reraise()
        assert isinstance(self.error, Exception)
        raise self.error


Reply = Ready | Written | Skipped | Retry | Failed


class Work(Protocol):
    """What is done with an image around the network; see ``PixelResults``."""

    model: Any

    def read(self, path: Any) -> np.ndarray:
        """Read an image."""

    def ask(self, prepared: Sequence[Prepared]) -> list:
        """Let the network answer to prepared images."""

    def write(self, item: Any, image: np.ndarray, answer: Any) -> Any:
        """Write the files of an image; returns its rows of the tables."""


class ImageDesk:
    """Reads and writes images, one request after the other, and holds those in between.

    Args:
        results (Work): What is done with them.
        crowd (int): How many images may be in memory at a time.
    """

    def __init__(self, results: Work, crowd: int) -> None:
        self._results, self._crowd = results, crowd
        self._held: dict[int, tuple[Input, np.ndarray]] = {}

    def read(self, number: int, item: Input) -> Reply:
        """Read and prepare an image, and hold it."""
        try:
            if self._crowd > 1 and self._is_large(item):
                return Retry()
            image = self._results.read(item.path)
        except Exception as error:
            return self._judged(error, item, READING)
        try:
            prepared = self._results.model.prepare(image)
        except Exception as error:
            return self._judged(error, item, WRITING)
        self._held[number] = item, image
        return Ready(prepared)

    def write(self, number: int, answer: Any) -> Reply:
        """Write what the network answered, and let go of the image."""
        item, image = self._held.pop(number)
        try:
            return Written(self._results.write(item, image, answer))
        except Exception as error:
            return self._judged(error, item, WRITING)

    def drop(self, number: int) -> None:
        """Let go of an image."""
        del self._held[number]

    def _is_large(self, item: Input) -> bool:
        # of a file that cannot be opened the reader tells why
        with contextlib.suppress(OSError):
            pixels = number_of_pixels(item.path)
            return pixels > SMALL and pixels * BYTES * self._crowd > free_memory()
        return False

    def _judged(self, error: Exception, item: Input, kinds: tuple[type[Exception], ...]) -> Reply:
        if is_out_of_memory(error) or isinstance(error, TooLarge):
            return Retry()
        told = cost_of(error, item.path, kinds)
        if told is not None:
            # whatever else an error holds, another process may not know
            return Skipped(UserError(str(told)))
        if isinstance(error, (OSError, UserError)):
            return Failed(error)
        return Failed(ExceptionWrapper(where=f'at {item.path}'))
