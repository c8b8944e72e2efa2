"""Frames of files, each with its time."""
import math
import re
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plugin.utils import UserError, first_few
from plugin.utils.console import warn
from plugin.utils.opencv import quiet

from .frame import Frame, SourceError

RATE = 25.0  # frames a second where nothing tells it
RETRIES = 30  # frames that cannot be read until a file has ended
WHOLE = 0.98  # share of the frames that a file claims; the claim is often a little off


class VideoFile:
    """The frames of a file, with the times of its container.

    Args:
        path (Path): The file.
        folder (str): Of its results.
        fps (float, optional): Frames a second, in the place of what the file says.

    Raises:
        UserError: If not even the first frame can be read.
    """

    is_live, started = False, 0.0

    def __init__(self, path: Path, folder: str, fps: float | None = None) -> None:
        self.path, self.name, self.folder, self._fps = path, str(path), folder, fps
        video = self._open()
        try:
            told = video.get(cv2.CAP_PROP_FPS)
            self.total = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
            if not video.read()[0]:
                raise SourceError(f'{path} is no video that OpenCV can read, or has no frame')
        finally:
            video.release()
        self.rate = fps or (told if 0 < told <= 1000 else RATE)
        if self.rate == RATE and fps is None and told != RATE:
            warn(f'{path} does not say how many frames a second it has: {RATE:g} are taken where '
                 'it has no times; --fps gives another number')

    def identity(self) -> dict[str, Any]:
        """Path, bytes and rate."""
        return dict(source=str(self.path.absolute()), bytes=self.path.stat().st_size,
                    fps=self._fps)

    def frames(self, start: int) -> Generator[Frame, None, None]:
        """The frames from one on; those before are passed over, not sought, which is exact."""
        video = self._open()
        times = _Times(self.name, self.rate, self._fps is not None)
        index, unread = 0, 0
        try:
            while unread <= RETRIES:
                with quiet():
                    good = video.grab()
                    time = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
                    image = None
                    if good and index + unread >= start:
                        good, image = video.retrieve()
                if not good:
                    unread += 1
                    continue
                index, unread = index + unread, 0
                time = times.of(index, time)
                if image is not None:
                    yield Frame(index, time, image)
                index += 1
        finally:
            video.release()
        if index < WHOLE * self.total - 1:
            raise SourceError(f'{self.path} breaks off after frame {index} of {self.total}: copy '
                              'it again from the camera, or cut it there')

    def _open(self) -> cv2.VideoCapture:
        with quiet():
            return cv2.VideoCapture(str(self.path))


class _Times:
    """Times that grow, whatever a container says.

    Args:
        name (str): Of the source.
        rate (float): Frames a second where there is no time.
        counted (bool): Do not ask the container at all.
    """

    def __init__(self, name: str, rate: float, counted: bool) -> None:
        self._name, self._rate, self._counted, self._told = name, rate, counted, False
        self._last, self._index, self._first = -math.inf, -1, 0.0

    def of(self, index: int, told: float) -> float:
        """Seconds since the first frame of a frame, of which the container says something."""
        if self._counted:
            return index / self._rate
        if self._index < 0:
            self._first = told if math.isfinite(told) else 0.0
            time = 0.0
        else:
            time = told - self._first
        if not time > self._last or not math.isfinite(time):
            time = self._last + (index - self._index) / self._rate
            if not self._told:
                self._told = True
                warn(f'{self._name} has no growing times from frame {index} on: {self._rate:g} '
                     'frames a second are taken there; --fps says another number for all')
        self._last, self._index = time, index
        return time


class FrameFolder:
    """A folder of numbered frames; a number that is missing is a frame that was lost.

    Args:
        path (Path): The folder.
        files (Sequence[Path]): Its images.
        folder (str): Of its results.
        read (callable): Reads an image.
        fps (float, optional): Frames a second. Defaults to 25, which is said.

    Raises:
        UserError: If two images have the same number.
    """

    is_live, started = False, 0.0

    def __init__(self, path: Path, files: Sequence[Path], folder: str,
                 read: Callable[[Path], np.ndarray], fps: float | None = None) -> None:
        self.path, self.name, self.folder, self._read = path, str(path), folder, read
        self.rate, self._fps = fps or RATE, fps
        self._files: dict[int, Path] = {}
        for file in files:
            number = frame_number(file)
            other = self._files.setdefault(number, file)
            if other != file:
                raise UserError(f'{other} and {file.name} have the same number {number}: give a '
                                'folder with the frames of one video')
        self._files = dict(sorted(self._files.items()))
        self.total = len(self._files)
        if fps is None:
            warn(f'frames of a folder have no times: {RATE:g} a second are taken; --fps gives '
                 'another number')

    def identity(self) -> dict[str, Any]:
        """Path, rate, and which frames there are."""
        return dict(source=str(self.path.absolute()), frames=len(self._files), fps=self._fps,
                    first=min(self._files))

    def frames(self, start: int) -> Generator[Frame, None, None]:
        """The frames from one on."""
        first = min(self._files)
        lost = []
        for number, file in self._files.items():
            if number - first < start:
                continue
            try:
                image = self._read(file)
            except (OSError, ValueError, cv2.error):
                lost.append(file.name)
                continue
            yield Frame(number - first, (number - first) / self.rate, image)
        if lost:
            raise SourceError(f'{self.path}: {len(lost)} frames cannot be read and were passed '
                              f'over: {first_few(lost)}')


def frame_number(file: Path) -> int:
    """The last number in a name; -1 if there is none."""
    found = re.findall(r'\d+', file.stem)
    return int(found[-1]) if found else -1
