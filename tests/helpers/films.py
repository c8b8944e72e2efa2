"""Small videos of white squares, and a detector that finds them."""
import contextlib
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from plugin.evaluation import CountIntervals
from plugin.inference.detector import Detector
from plugin.inference.instances import Instances
from plugin.models.postprocess import Detection

Place = tuple[float, float]


class SquareFinder(Detector):
    """A detector without a network: each white area of a frame is an animal."""

    config, classes, cap, reason = 'squares.py', ['cow'], None, 'as chosen'
    score_thr, least_score = 0.5, 0.05

    def __init__(self) -> None:
        self.asked = 0

    def read(self, path: Path) -> np.ndarray:
        image = cv2.imread(str(path))
        if image is None:
            raise ValueError(f'{path} is no image')
        return image

    def count_intervals(self, threshold=None):
        return CountIntervals.none('it was never validated')

    def __call__(self, image):
        self.asked += 1
        number, areas = cv2.connectedComponents((image[..., 0] > 128).astype(np.uint8))
        found = [Detection.from_mask(0, 0.9, areas == area) for area in range(1, number)]
        return Instances([one for one in found if one.area > 20], self.classes, *image.shape[:2])

    @contextlib.contextmanager
    def at_threshold(self, score_thr: float):
        with super().at_threshold(score_thr):
            yield


def picture(places: Iterable[Place], size: tuple[int, int] = (96, 64), side: int = 12
            ) -> np.ndarray:
    """BGR frame with squares whose centres lie at places x, y."""
    image = np.full((size[1], size[0], 3), 20, np.uint8)
    for x, y in places:
        corner = round(x - side / 2), round(y - side / 2)
        cv2.rectangle(image, corner, (corner[0] + side - 1, corner[1] + side - 1), (255,) * 3, -1)
    return image


def write_film(path: Path, frames: Iterable[np.ndarray], rate: float = 10,
               code: str = 'MJPG') -> Path:
    """Write frames of one size as AVI, or with the code mp4v as MP4."""
    writer = None
    for frame in frames:
        if writer is None:
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate,
                                     frame.shape[1::-1])
        writer.write(frame)
    writer.release()
    return path


def crossing(frames: int = 30) -> list[np.ndarray]:
    """An animal that walks from the left to the right through the middle of the picture."""
    return [picture([(10 + 76 * frame / (frames - 1), 32)]) for frame in range(frames)]
