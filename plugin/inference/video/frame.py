"""What a source gives: frames with times."""
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np

from plugin.inference.instances import Instances
from plugin.utils import UserError


class SourceError(UserError):
    """A source ends before its time; what came before was counted."""


class Frame(NamedTuple):
    """A frame.

    Attributes:
        number (int): From 0, also counting what could not be read.
        time (float): Seconds since the first one, growing.
        image (np.ndarray): BGR ``(H, W, 3)``, or as the model reads it.
    """

    number: int
    time: float
    image: np.ndarray


class Source(Protocol):
    """What gives frames.

    Attributes:
        name (str): In messages, without passwords.
        folder (str): Of its results.
        rate (float): Frames a second that a video of it has.
        total (int): Number of frames as far as it is known, or 0.
        is_live (bool): Frames come when they come, and none twice.
        started (float): When time was 0, in seconds of the clock; 0 if that means nothing.
    """

    name: str
    folder: str
    rate: float
    total: int
    is_live: bool
    started: float

    def frames(self, start: int) -> Generator[Frame, None, None]:
        """The frames from one on."""

    def identity(self) -> dict[str, Any]:
        """What tells it from other sources, as JSON holds it."""


class Finder(Protocol):
    """What finds the animals of a frame: a :class:`~plugin.inference.Detector`, for example.

    Attributes:
        config (str): The config in messages.
        classes (list[str]): Names of the C classes.
        score_thr (float): Lowest score of an animal.
        least_score (float): What scores less is dropped before.
        cap (tuple, optional): What limits the instances of a frame, and how many there are at most.
    """

    config: str
    classes: list[str]
    score_thr: float
    least_score: float
    cap: tuple[str, int] | None

    def at_threshold(self, score_thr: float) -> AbstractContextManager[None]:
        """Let instances have another lowest score while a block lasts."""

    def __call__(self, image: np.ndarray, /) -> Instances:
        """The animals of a frame."""


class Seen(NamedTuple):
    """What was seen in a frame.

    Attributes:
        time (float): Seconds since the first one.
        lines (list[str]): Time and counts until then, in words.
        image (np.ndarray, optional): RGB ``(H, W, 3)``, with outlines, ids and the lines.
    """

    time: float
    lines: list[str]
    image: np.ndarray | None
