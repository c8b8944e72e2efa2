"""What the page asks a model, of whichever kind it is."""
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .shelf import Kept

Arrays = dict[str, np.ndarray]
Colour = tuple[int, int, int]


class ModelDesk(ABC):
    """A model, what the page says about it, and what it answers about an image.

    Attributes:
        title (str): Headline of the page.
        aim (str): What the model does, in a sentence.
        views (tuple[str]): What can be shown of an image; the first one at the start.
        view_note (str): Explains the views; may be empty.
        slider (str): Title of the slider, which sets a threshold from ``least`` to 1.
        slider_note (str): Explains the slider.
        columns (tuple[str]): Titles of the table of an image.
        total_columns (tuple[str]): Titles of the table of all images.
        contents (str): What the archive for the download holds.
        tables (tuple[str]): Files of it that can be downloaded alone.
        least (float): Lowest threshold.
        start (float): Threshold at which the slider begins.
        read (callable): Reads an image file as the model takes it: BGR ``(H, W, 3)`` or grey
            ``(H, W)``, uint8. Raises ValueError if it is no image.
    """

    title: str
    aim: str
    views: tuple[str, ...]
    view_note: str
    slider: str
    slider_note: str
    columns: tuple[str, ...]
    total_columns: tuple[str, ...]
    contents: str
    tables: tuple[str, ...]
    least: float
    start: float
    read: Callable[[Path], np.ndarray]

    @abstractmethod
    def predict(self, image: np.ndarray) -> tuple[Arrays, Any]:
        """Run the network on an image, BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8.

        Returns:
            tuple: The prediction as arrays, to be kept in a file; and what the tables need
            without them, to be kept in memory.
        """

    @abstractmethod
    def draw(self, image: np.ndarray, arrays: Arrays, view: str, threshold: float,
             longest: int) -> np.ndarray:
        """A view for the page, RGB ``(h, w, 3)`` with no side above ``longest`` pixels."""

    @abstractmethod
    def headline(self, images: Sequence[Kept], kept: Kept, threshold: float) -> tuple[str, str]:
        """The result of an image in large letters, and a sentence about all images."""

    def reliability(self, threshold: float) -> str:
        """How far off its results were where the truth is known, in a sentence; may be empty."""
        return ''

    @abstractmethod
    def legend(self, kept: Kept) -> list[tuple[str, Colour]]:
        """Names and colours of the classes that occur; empty if colours mean nothing."""

    @abstractmethod
    def rows(self, kept: Kept, arrays: Arrays, threshold: float) -> list[list[Any]]:
        """The table of an image, in ``columns``."""

    @abstractmethod
    def totals(self, images: Sequence[Kept], threshold: float) -> list[list[Any]]:
        """The table of all images, in ``total_columns``."""

    @abstractmethod
    def write(self, out: Path, images: Sequence[Kept],
              load: Callable[[Kept], tuple[np.ndarray, Arrays]], threshold: float,
              threads: int = 1) -> None:
        """Write what can be downloaded.

        Args:
            out (Path): Folder to write to; the images lie in its folder ``pictures``.
            images (Sequence[Kept]): The N images.
            load (callable): Gives image and arrays of one of them.
            threshold (float): Of the slider.
            threads (int): How many images may be worked on at a time. Defaults to 1.
        """


def shown(kept: Kept) -> str:
    """The number and the name of an image; a table cannot take the number for a formula."""
    return f'{kept.number:04} {kept.name}'
