"""What a prediction leaves on the disk. Every file appears whole or not at all."""
import contextlib
import csv
from pathlib import Path
from typing import Any, Iterator, Sequence, Tuple

import cv2
import numpy as np
from PIL import Image

from plugin.utils import atomic_path, write_atomically
from plugin.visualization.pictures import overlay


def save_overlay(path: Path, image: np.ndarray, labels: np.ndarray, palette: Sequence,
                 opacity: float) -> None:
    """Write a picture (BGR or grey) with the colours of its labels, as the suffix says."""
    picture = overlay(_rgb(image), labels, palette, opacity)
    done, content = cv2.imencode(path.suffix, picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        raise ValueError(f'{path} cannot be encoded: the picture is {picture.shape}')
    write_atomically(path, content.tobytes())


def save_mask(path: Path, labels: np.ndarray, palette: Sequence) -> None:
    """Write class ids ``(H, W)`` as a PNG with a palette."""
    mask = Image.fromarray(labels.astype(np.uint8), mode='P')
    mask.putpalette([value for colour in palette for value in colour])
    with atomic_path(path) as temporary:
        mask.save(temporary)


class AreaTable:
    """CSV of the pixels and the share of each class, a row for each input and class.

    Args:
        path (Path): The file.
        title (str): Title of the first column.
        classes (Sequence[str]): The C names.
    """

    def __init__(self, path: Path, title: str, classes: Sequence[str]) -> None:
        self.path, self.title, self.classes = path, title, classes

    def __enter__(self) -> 'AreaTable':
        self._stack = contextlib.ExitStack()
        temporary = self._stack.enter_context(_kept_when_stopped(self.path))
        self._file = self._stack.enter_context(
            temporary.open('w', encoding='utf-8', newline=''))
        self._rows = csv.writer(self._file)
        self._rows.writerow([self.title, 'class', 'pixels', 'share'])
        return self

    def add(self, name: Any, labels: np.ndarray) -> None:
        """Count the pixels of a label map ``(H, W)``."""
        counts = np.bincount(labels.ravel(), minlength=len(self.classes))
        for label, pixels in zip(self.classes, counts, strict=True):
            self._rows.writerow([name, label, int(pixels), f'{pixels / labels.size:.6f}'])

    def __exit__(self, *error) -> None:
        self._stack.__exit__(*error)


class OverlayVideo:
    """MP4 of frames with the colours of their labels.

    The format wants even sizes: the last row or column of an odd one is cut off.

    Args:
        path (Path): The file.
        rate (float): Frames a second.
        palette (Sequence): C colours (red, green, blue).
        opacity (float): Of the colours, 0 to 1.
    """

    def __init__(self, path: Path, rate: float, palette: Sequence, opacity: float) -> None:
        self.path, self.rate, self.palette, self.opacity = path, rate, palette, opacity
        self._writer = None

    def __enter__(self) -> 'OverlayVideo':
        self._stack = contextlib.ExitStack()
        self._temporary = self._stack.enter_context(_kept_when_stopped(self.path))
        return self

    def add(self, frame: np.ndarray, labels: np.ndarray) -> None:
        """Append a frame, BGR ``(H, W, 3)``."""
        if self._writer is None:
            size = frame.shape[1], frame.shape[0]
            self._writer = cv2.VideoWriter(
                str(self._temporary), cv2.VideoWriter_fourcc(*'mp4v'), self.rate, size)
            if not self._writer.isOpened():
                raise ValueError(f'{self.path} cannot be written: OpenCV has no MPEG-4 encoder; '
                                 'install opencv-python with FFmpeg')
        picture = overlay(_rgb(frame), labels, self.palette, self.opacity)
        self._writer.write(np.ascontiguousarray(picture[..., ::-1]))

    def __exit__(self, *error) -> None:
        if self._writer is not None:
            self._writer.release()
        self._stack.__exit__(*error)


@contextlib.contextmanager
def frames_of(path: Path) -> Iterator[Tuple[Iterator[np.ndarray], int, float]]:
    """Open a video.

    Args:
        path (Path): The video.

    Yields:
        tuple: Its frames (BGR), their number as the file claims (0: unknown),
        and frames a second.

    Raises:
        ValueError: If it has no frame that can be read.
    """
    video = cv2.VideoCapture(str(path))
    try:
        good, first = video.read()
        if not good:
            raise ValueError(f'{path} is no video that OpenCV can read')
        number = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        yield _frames(video, first), number, video.get(cv2.CAP_PROP_FPS) or 25.0
    finally:
        video.release()


def _frames(video: cv2.VideoCapture, frame: np.ndarray) -> Iterator[np.ndarray]:
    good = True
    while good:
        yield frame
        good, frame = video.read()


@contextlib.contextmanager
def _kept_when_stopped(path: Path) -> Iterator[Path]:
    """``atomic_path``, but Ctrl-C keeps what was done so far."""
    stopped = None
    with atomic_path(path) as temporary:
        try:
            yield temporary
        except KeyboardInterrupt as error:
            stopped = error
    if stopped is not None:
        raise stopped


def _rgb(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(
        np.repeat(image.reshape(*image.shape[:2], 1), 3, 2) if image.ndim == 2
        else image[..., ::-1])
