"""Models with known answers for the tests of the page, and a desk with one of them."""
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from plugin.demo.desk import Desk, Progress
from plugin.demo.instances import InstanceDesk
from plugin.demo.shelf import Shelf
from plugin.demo.uploads import Limits
from plugin.evaluation import CountIntervals
from plugin.inference.instances import Instances
from plugin.models.postprocess import Detection
from tests.helpers import hostile_uploads as hostile
from tests.helpers.tiny import write_project

LIMITS = Limits(upload=10 ** 6, total=10 ** 7, images=10, pixels=10 ** 6)
SCORES = (0.9, 0.65, 0.3)


class FakeDetector:
    """A detector that finds three squares in every image, and counts how often it is asked."""

    classes, reason = ['cow', 'calf'], 'it counted best; or not'
    score_thr, least_score = 0.65, 0.2

    def __init__(self):
        self.asked = []
        self.intervals = CountIntervals.none('it was never validated')

    @staticmethod
    def read(path):
        image = cv2.imread(str(path))
        if image is None:
            raise ValueError(f'{path} is no image')
        return image

    def count_intervals(self, threshold=None):
        return self.intervals

    def __call__(self, image):
        self.asked.append(image.shape[1])
        found = []
        for number, score in enumerate(SCORES):
            mask = np.zeros(image.shape[:2], bool)
            mask[4:14, 2 + 13 * number:8 + 13 * number] = True
            mask[4, 2 + 13 * number] = False
            found.append(Detection.from_mask(number % 2, np.float32(score), mask))
        return Instances([instance for instance in found if instance.score >= self.score_thr],
                         self.classes, *image.shape[:2])


class FakeSegmenter:
    """A segmenter that is sure of the left half of an image, and of nothing in the right one."""

    classes, palette, read = ['ground', 'cow', 'sky'], [(9, 9, 9), (250, 0, 0), (0, 0, 250)], \
        staticmethod(FakeDetector.read)

    def labels_and_probabilities(self, image):
        probabilities = np.full((3, *image.shape[:2]), 1 / 3, np.float16)
        probabilities[:, :, :22] = np.array([0, 1, 0])[:, None, None]
        return probabilities.argmax(0), probabilities


def write_segmentor(folder: Path) -> tuple[Path, Path]:
    """Write a segmentor of two classes with random weights; returns config and checkpoint."""
    config = write_project(folder)
    model = MODELS.build(Config.fromfile(config).model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'tiny.pth')
    return config, folder / 'tiny.pth'


def make_desk(folder: Path, model=None, max_bytes: int = 10 ** 8) -> Desk:
    """A desk with a model, by default the detector; its batches lie in ``folder``."""
    shelf = Shelf(folder / 'batches', max_bytes, 3600)
    return Desk(model or InstanceDesk(FakeDetector(), 0.5), shelf, LIMITS, 'about')


def write_images(folder: Path) -> list[Path]:
    """Three images of widths 44, 45 and 46."""
    paths = [folder / name for name in ('a.png', '<b>$&{x}.png', '=c ä.png')]
    for index, path in enumerate(paths):
        path.write_bytes(hostile.image(seed=index, size=(44 + index, 36)))
    return paths


def predict(desk: Desk, paths: list[Path], old: str = '') -> Progress:
    """Let a desk predict images; returns its last progress."""
    return list(desk.predict(paths, old))[-1]
