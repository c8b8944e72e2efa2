"""What a prediction leaves on the disk. Every file appears whole or not at all."""
import contextlib
import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import cv2
import numpy as np
from PIL import Image

from plugin.utils import UserError, atomic_path, write_atomically

Self = TypeVar('Self', bound='Table')
Raised = type[BaseException] | None


class ImageError(UserError):
    """One image cannot be done; the others can."""


def save_image(path: Path, image: np.ndarray) -> None:
    """Write an image, RGB ``(H, W, 3)``, as the suffix says."""
    done, content = cv2.imencode(path.suffix, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        height, width = image.shape[:2]
        raise ImageError(f'{path} cannot be encoded, as the image has {width}x{height} pixels: '
                           'give --format png')
    write_atomically(path, content.tobytes())


def save_mask(path: Path, labels: np.ndarray, palette: Sequence[Sequence[int]]) -> None:
    """Write class ids ``(H, W)`` as a PNG with a palette."""
    mask = Image.fromarray(labels.astype(np.uint8), mode='P')
    mask.putpalette([value for colour in palette for value in colour])
    with atomic_path(path) as temporary:
        mask.save(temporary)


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array as ``.npy``."""
    with atomic_path(path) as temporary, temporary.open('wb') as file:
        np.save(file, array, allow_pickle=False)


class Table:
    """CSV that keeps what was done when the work is stopped.

    Args:
        path (Path): The file.
        header (Sequence[str]): Titles of the columns.
    """

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path, self.header = path, header

    def __enter__(self: Self) -> Self:
        self._stack = contextlib.ExitStack()
        temporary = self._stack.enter_context(kept_when_stopped(self.path))
        self._file = self._stack.enter_context(
            temporary.open('w', encoding='utf-8', newline=''))
        self.write([self.header])
        return self

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Append rows, all or none."""
        text = io.StringIO(newline='')
        csv.writer(text).writerows(rows)
        # written at once, so that a stop does not divide them
        self._file.write(text.getvalue())

    def __exit__(self, kind: Raised, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, traceback)


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
        counts = np.bincount(labels.ravel(), minlength=len(self.classes))
        self.write([name, label, int(pixels), f'{pixels / labels.size:.6f}']
                   for label, pixels in zip(self.classes, counts, strict=True))


class JsonList:
    """JSON list, one entry a line, that keeps what was done when the work is stopped.

    Args:
        path (Path): The file.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._between = path, '[\n'

    def __enter__(self) -> 'JsonList':
        self._stack = contextlib.ExitStack()
        temporary = self._stack.enter_context(kept_when_stopped(self.path))
        self._file = self._stack.enter_context(temporary.open('w', encoding='utf-8'))
        # an empty list has not begun yet
        self._stack.callback(lambda: self._file.write(
            '\n]\n' if self._between == ',\n' else '[]\n'))
        return self

    def add(self, entries: Sequence[dict]) -> None:
        """Append entries, all or none."""
        if entries:
            lines = ',\n'.join(json.dumps(entry, ensure_ascii=False) for entry in entries)
            between, self._between = self._between, ',\n'
            self._file.write(between + lines)

    def __exit__(self, kind: Raised, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, traceback)


class OverlayVideo:
    """MP4 of images.

    The format wants even sizes: the last row or column of an odd one is cut off.

    Args:
        path (Path): The file.
        rate (float): Frames a second.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self.path, self.rate = path, rate
        self._writer: cv2.VideoWriter | None = None

    def __enter__(self) -> 'OverlayVideo':
        self._stack = contextlib.ExitStack()
        self._temporary = self._stack.enter_context(kept_when_stopped(self.path))
        return self

    def add(self, image: np.ndarray) -> None:
        """Append an image, RGB ``(H, W, 3)``."""
        if self._writer is None:
            size = image.shape[1], image.shape[0]
            self._writer = cv2.VideoWriter(
                str(self._temporary), cv2.VideoWriter.fourcc(*'mp4v'), self.rate, size)
            if not self._writer.isOpened():
                raise UserError(f'{self.path} cannot be written: OpenCV has no MPEG-4 encoder; '
                                'install opencv-python with FFmpeg')
        self._writer.write(np.ascontiguousarray(image[..., ::-1]))

    def __exit__(self, kind: Raised, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.release()
        self._stack.__exit__(kind, error, traceback)


@contextlib.contextmanager
def frames_of(path: Path) -> Iterator[tuple[Iterator[np.ndarray], int, float]]:
    """Open a video.

    Args:
        path (Path): The video.

    Yields:
        tuple: Its frames (BGR), their number as the file claims (0: unknown),
        and frames a second.

    Raises:
        UserError: If it has no frame that can be read.
    """
    video = cv2.VideoCapture(str(path))
    try:
        good, first = video.read()
        if not good:
            raise UserError(f'{path} is no video that OpenCV can read')
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
def kept_when_stopped(path: Path) -> Iterator[Path]:
    """``atomic_path``, but Ctrl-C keeps what was done so far."""
    stopped = None
    with atomic_path(path) as temporary:
        try:
            yield temporary
        except KeyboardInterrupt as error:
            stopped = error
    if stopped is not None:
        raise stopped


def rgb(image: np.ndarray) -> np.ndarray:
    """RGB ``(H, W, 3)`` of an image that is BGR or grey ``(H, W)``."""
    return np.ascontiguousarray(
        np.repeat(image.reshape(*image.shape[:2], 1), 3, 2) if image.ndim == 2
        else image[..., ::-1])
