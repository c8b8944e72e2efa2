"""What a source gives: frames with times."""
from collections.abc import Generator
from typing import Any, NamedTuple, Protocol

import numpy as np

from plugin.utils import UserError


class SourceError(UserError):
    """A source ends before its time; what came before was counted."""


class Frame(NamedTuple):
    """A frame.

    Attributes:
        index (int): From 0, also counting what could not be read.
        time (float): Seconds since the first one, growing.
        image (np.ndarray): BGR ``(H, W, 3)``, or as the model reads it.
    """

    index: int
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
