"""Cameras and streams: the newest frame, and new connections where one is lost."""
import contextlib
import re
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, Protocol

import cv2
import numpy as np

from plugin.utils.console import say, warn
from plugin.utils.opencv import quiet

from .frame import Frame, SourceError

PATIENCE = 300.0  # seconds without a frame until a camera is given up
LONGEST_PAUSE = 30.0  # seconds between two attempts to connect
GOODBYE = 5.0  # seconds that a thread gets to leave the camera
TIMEOUT = 10000  # milliseconds that FFmpeg waits for an answer
RATE = 10.0  # of the video, where the camera tells no number


class Capture(Protocol):
    """What is needed of ``cv2.VideoCapture``."""

    def read(self) -> tuple[bool, Any]:
        """The next frame."""

    def get(self, key: int, /) -> float:
        """A property."""

    def release(self) -> None:
        """Close it."""


def open_capture(address: int | str) -> Capture:
    """Open a camera by its number, or a stream by its address."""
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT]
    with quiet():
        if isinstance(address, int):
            return cv2.VideoCapture(address)
        return cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)


class Camera:
    """A camera or a stream, read by a thread that keeps the newest frame alone.

    A model that is slower than the camera skips frames, so that the memory stays the same and the
    count is that of now. A connection that is lost is made again, after 1, 2, 4, up to 30 seconds;
    times are those of the clock, so that the gap is one. After ``patience`` seconds without a frame
    it is given up.

    Args:
        address (int | str): Number of a camera, or address of a stream.
        folder (str): Of its results.
        fps (float, optional): Frames a second of the video that is written. Defaults to what the
            camera says.
        patience (float): Seconds. Defaults to 300.
        opener (callable): Opens it. Defaults to OpenCV's.
        clock (callable): Seconds since 1970. Defaults to ``time.time``.

    Raises:
        SourceError: If it cannot be reached at all.
    """

    is_live, total = True, 0

    def __init__(self, address: int | str, folder: str, fps: float | None = None, *,
                 patience: float = PATIENCE, opener: Callable[[int | str], Capture] = open_capture,
                 clock: Callable[[], float] = time.time) -> None:
        self.name, self.folder, self._address = self.shown(address), folder, address
        self._patience, self._opener, self._clock = patience, opener, clock
        self._capture = opener(address)
        good, image = self._capture.read()
        if not good:
            self._capture.release()
            raise SourceError(f'{self.name} gives no picture: see whether it is on, and whether '
                              'the address is right')
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = fps or (told if 0 < told <= 120 else RATE)
        self.started = clock()
        self._newest: tuple[float, np.ndarray] | None = (self.started, image)
        self._arrived = threading.Condition()
        self._ended = threading.Event()

    @staticmethod
    def shown(address: int | str) -> str:
        """The address in messages and files: without name and password."""
        if isinstance(address, int):
            return f'camera:{address}'
        return re.sub(r'://[^/]*@', '://', address.partition('?')[0])

    def identity(self) -> dict[str, Any]:
        """The address."""
        return dict(source=self.name)

    def frames(self, start: int) -> Generator[Frame, None, None]:
        """New frames, numbered from one on, until the camera is given up."""
        thread = threading.Thread(target=self._read, daemon=True, name='camera')
        thread.start()
        last = -1.0
        try:
            while True:
                newest = self._wait()
                if newest is None:
                    raise SourceError(f'{self.name} went away, and did not come back within '
                                      f'{self._patience:g} seconds: see to it, and go on with '
                                      '--resume')
                moment, image = newest
                seconds = moment - self.started
                if seconds > last:  # a clock that is set back gives no time twice
                    yield Frame(start, seconds, image)
                    start, last = start + 1, seconds
        finally:
            self._ended.set()
            thread.join(GOODBYE)

    def _wait(self) -> tuple[float, np.ndarray] | None:
        """The newest frame that was not given yet; None if none comes."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None, self._patience)
            newest, self._newest = self._newest, None
        return newest

    def _read(self) -> None:
        """Read for ever, in a thread."""
        while not self._ended.is_set():
            good, image = self._attempt()
            if good:
                with self._arrived:
                    self._newest = self._clock(), image
                    self._arrived.notify()
            else:
                self._connect()
        self._capture.release()

    def _attempt(self) -> tuple[bool, Any]:
        with contextlib.suppress(cv2.error):
            return self._capture.read()
        return False, None

    def _connect(self) -> None:
        """Connect again, with longer and longer pauses."""
        warn(f'{self.name} went away; connecting again')
        pause = 1.0
        while not self._ended.wait(pause):
            self._capture.release()
            self._capture = self._opener(self._address)
            good, image = self._attempt()
            if good:
                say(f'{self.name} is back')
                with self._arrived:
                    self._newest = self._clock(), image
                    self._arrived.notify()
                return
            pause = min(2 * pause, LONGEST_PAUSE)
