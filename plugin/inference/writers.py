"""What a prediction leaves on the disk. Every file appears whole or not at all."""
import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType

import cv2
import numpy as np
from PIL import Image

from plugin.utils import UserError, atomic_path, write_atomically

Raised = type[BaseException] | None


class ImageError(UserError):
    """One image cannot be done; the others can."""


def save_image(path: Path, image: np.ndarray) -> None:
    """Write an image, RGB ``(H, W, 3)``, as the suffix says."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)  # much faster than a view with steps
    done, content = cv2.imencode(path.suffix, bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
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
        # into a file itself, numpy writes without telling why that fails
        np.save(SimpleNamespace(write=file.write), array, allow_pickle=False)


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
        self._frames = 0

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
        self._frames += 1

    def __exit__(self, kind: Raised, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.release()
        if error is None and self._frames != _number_of_frames(self._temporary):
            # OpenCV does not say so
            broken = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            self._stack.__exit__(OSError, broken, None)
            raise broken
        self._stack.__exit__(kind, error, traceback)


def _number_of_frames(path: Path) -> int:
    video = cv2.VideoCapture(str(path))
    try:
        return int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    finally:
        video.release()


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
    return cv2.cvtColor(np.ascontiguousarray(image),
                        cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)
