"""COCO's average precision and recall, evaluated by faster-coco-eval."""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from pycocotools import mask as coco_mask

AREAS = ('all', 'small', 'medium', 'large')
# name -> array, IoU (None: mean over all), area, and how many predictions of an image count: 100,
# or the place in proposal_nums. pycocotools takes 100 for the first and the most for the others.
ITEMS: dict[str, tuple[str, float | None, str, int | None]] = {
    'mAP': ('precision', None, 'all', None),
    'mAP_50': ('precision', 0.5, 'all', 2),
    'mAP_75': ('precision', 0.75, 'all', 2),
    'mAP_s': ('precision', None, 'small', 2),
    'mAP_m': ('precision', None, 'medium', 2),
    'mAP_l': ('precision', None, 'large', 2),
    'AR@100': ('recall', None, 'all', 0),
    'AR@300': ('recall', None, 'all', 1),
    'AR@1000': ('recall', None, 'all', 2),
    'AR_s@1000': ('recall', None, 'small', 2),
    'AR_m@1000': ('recall', None, 'medium', 2),
    'AR_l@1000': ('recall', None, 'large', 2),
}


class Evaluation(NamedTuple):
    """Precisions and recalls of COCO's evaluation.

    T IoU thresholds, R = 101 recalls from 0 to 1, C classes, 4 areas (all, small below 32 * 32
    pixels, medium, large from 96 * 96) and 3 numbers of predictions an image.

    Attributes:
        precision (np.ndarray): ``(T, R, C, 4, 3)``, -1 where there is no truth.
        recall (np.ndarray): ``(T, C, 4, 3)``, -1 where there is no truth.
        ious (np.ndarray): The T thresholds.
        numbers (list[int]): The 3 numbers of predictions, ascending.
    """

    precision: np.ndarray
    recall: np.ndarray
    ious: np.ndarray
    numbers: list[int]

    def score(self, name: str) -> float:
        """One of ``ITEMS``; -1 where no truth is of that area, as pycocotools has it."""
        kind, iou, area, number = ITEMS[name]
        values = getattr(self, kind)[..., AREAS.index(area), self._number(number)]
        if iou is not None:
            values = values[self.ious == iou]
        valid = values[values > -1]
        return float(valid.mean()) if valid.size else -1.0

    def class_score(self, index: int, iou: float | None = None, area: str = 'all') -> float:
        """Average precision of one class, NaN where it has no truth."""
        values = self.precision[:, :, index, AREAS.index(area), -1]
        values = values if iou is None else values[self.ious == iou]
        valid = values[values > -1]
        return float(valid.mean()) if valid.size else float('nan')

    def curves(self) -> dict[str, np.ndarray]:
        """Precision over recall, the mean over the classes that have truth.

        Returns:
            dict: ``{'IoU 0.50' | 'IoU 0.75' | 'mean': (R, )}``, the precision at recalls evenly
            from 0 to 1. The mean of a curve is its AP. Empty where there is no truth.
        """
        found = {}
        for title, name in (('IoU 0.50', 'mAP_50'), ('IoU 0.75', 'mAP_75'), ('mean', 'mAP')):
            _, iou, _, number = ITEMS[name]
            values = self.precision[..., AREAS.index('all'), self._number(number)]
            values = values if iou is None else values[self.ious == iou]
            values = values[:, :, (values > -1).all(axis=(0, 1))]
            if values.size:
                found[title] = values.mean(axis=(0, 2))
        return found

    def _number(self, place: int | None) -> int:
        return self.numbers.index(100) if place is None else place


def evaluate(truth: COCO, predictions: Sequence[dict], kind: str, category_ids: Sequence[int],
             ious: np.ndarray, numbers: Sequence[int], by_class: bool = True) -> Evaluation:
    """Match predictions with the truth of all images.

    Args:
        truth (COCO): The true instances.
        predictions (Sequence[dict]): COCO results; each has ``image_id``, ``category_id``,
            ``score`` and ``bbox`` (x, y, width, height), or ``segmentation`` as RLE.
        kind (str): ``'bbox'`` or ``'segm'``: of what the IoU is taken.
        category_ids (Sequence[int]): Ids of the C classes, in the order of the result.
        ious (np.ndarray): T thresholds.
        numbers (Sequence[int]): 3 numbers of predictions an image, ascending.
        by_class (bool): Compare only within a class; otherwise C is 1.

    Returns:
        Evaluation: Precisions and recalls.
    """
    evaluator = COCOeval_faster(truth, _results(truth, predictions, kind), iouType=kind,
                                print_function=_silent)
    evaluator.params.catIds = list(category_ids)
    evaluator.params.iouThrs = ious
    evaluator.params.maxDets = list(numbers)
    evaluator.params.useCats = int(by_class)
    evaluator.evaluate()
    evaluator.accumulate()
    precision, recall = evaluator.eval['precision'], evaluator.eval['recall']
    if by_class:
        # the evaluator sorts the ids
        order = np.searchsorted(np.unique(category_ids), category_ids)
        precision, recall = precision[:, :, order], recall[:, order]
    return Evaluation(precision, recall, ious, list(numbers))


def load(content: dict) -> COCO:
    """The content of a COCO file; an evaluation changes it, so that two must not share it."""
    return COCO(content, print_function=_silent)


def _results(truth: COCO, predictions: Sequence[dict], kind: str) -> COCO:
    """Predictions as the evaluator wants them: with an id, and the area of box or mask."""
    if kind == 'segm':
        # one by one, as pycocotools fails for lists of more than 255
        areas = [coco_mask.area(prediction['segmentation']) for prediction in predictions]
    else:
        areas = [prediction['bbox'][2] * prediction['bbox'][3] for prediction in predictions]
    annotations: list[dict[str, Any]] = [
        dict(prediction, id=number, area=float(area), iscrowd=0)
        for number, (prediction, area) in enumerate(zip(predictions, areas, strict=True), start=1)]
    return load(dict(images=truth.dataset['images'], categories=truth.dataset['categories'],
                     annotations=annotations))


def _silent(*args: Any) -> None:
    """Print nothing: the evaluator would report every step."""
