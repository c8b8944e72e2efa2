"""How far an exported detector is from PyTorch on images, and how fast both are."""
import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import Dataset

from plugin.evaluation.coco_metric import FastCocoMetric
from plugin.models.onnx import median_seconds

from .detector import Detector
from .instances import Instance, Instances
from .onnx_images import spread

# mean intersection over union that masks must have with PyTorch's, and percents of AP to lose
NEEDED_IOU = 0.99
AP_LOSS = dict(float32=0.1, float16=0.1, int8=0.5)
# how near a score may be to the threshold for rounding to decide on which side it lies
MARGIN = dict(float32=1e-4, float16=0.01, int8=0.05)
SECOND_WIDTH = 0.7


class InstanceRow(NamedTuple):
    """What was measured on images of one size.

    Attributes:
        size (str): Width and height of the first image in pixels.
        images (int): How many were compared.
        instances (int): What PyTorch found in them.
        same (int): Images in which both found the same instances.
        iou (float): Mean intersection over union of the masks of an instance; 1 where there is
            none.
        score (float): Largest difference of the scores of an instance.
        pytorch (float): Seconds that PyTorch takes for the first image, from its pixels to its
            masks.
        onnx (float): Seconds that onnxruntime takes.
    """

    size: str
    images: int
    instances: int
    same: int
    iou: float
    score: float
    pytorch: float
    onnx: float


class Precision(NamedTuple):
    """Average precision of masks, in percent, on the same labelled images."""

    images: int
    pytorch: float
    onnx: float


def compare_instances(reference: Detector, given: Detector, images: Sequence[np.ndarray],
                      turns: int, margin: float) -> list[InstanceRow]:
    """Measure on images, and on the middle of each, which has another shape.

    Args:
        reference (Detector): By PyTorch.
        given (Detector): By onnxruntime, with the same threshold.
        images (Sequence[np.ndarray]): BGR ``(H, W, 3)``.
        turns (int): Of each time.
        margin (float): What scores so near to the threshold may be counted by one of both alone.
    """
    narrow = []
    for image in images:
        # odd, so that every stride has to round
        width = max(int(image.shape[1] * SECOND_WIDTH) | 1, 1)
        left = (image.shape[1] - width) // 2
        narrow.append(np.ascontiguousarray(image[:, max(left, 0):left + width]))
    return [_row(reference, given, some, turns, margin) for some in (images, narrow)]


def average_precision(reference: Detector, given: Detector, dataset: Dataset,
                      number: int) -> Precision | None:
    """Mask AP of both on the same images of a data set; None where these have no instance.

    Args:
        reference (Detector): By PyTorch.
        given (Detector): By onnxruntime.
        dataset (Dataset): Images with their instances, prepared for a test.
        number (int): Images at most, from the first to the last.
    """
    places = spread(len(dataset), number)  # type: ignore[arg-type]  # test sets have a length
    found = []
    for detector in (reference, given):
        metric = FastCocoMetric(metric='segm')
        metric.dataset_meta = dict(classes=detector.classes)
        with detector.at_threshold(0.0):
            for place in places:
                for sample in detector.answers(pseudo_collate([copy.deepcopy(dataset[place])])):
                    metric.process(None, [sample.to_dict()])
        found.append(100 * metric.compute_metrics(metric.results)['segm_mAP'])
    return Precision(len(places), *found) if found[0] >= 0 else None


def paired(one: Instances, other: Instances) -> list[tuple[Instance, Instance, float]]:
    """Instances of the same class that are most alike, each at most once, with their IoU."""
    pairs = sorted(((_iou(a, b), i, j) for i, a in enumerate(one) for j, b in enumerate(other)
                    if a.label == b.label), key=lambda pair: -pair[0])
    taken: tuple[set[int], set[int]] = (set(), set())
    found = []
    for iou, i, j in pairs:
        if iou > 0 and i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
            found.append((one[i], other[j], iou))
    return found


def _iou(one: Instance, other: Instance) -> float:
    left, top = min(one.left, other.left), min(one.top, other.top)
    right, bottom = (max(a[place] + a[place + 2] for a in (one.box, other.box))
                     for place in (0, 1))
    both = np.zeros((bottom - top, right - left), np.uint8)
    for instance in (one, other):
        x, y, width, height = instance.box
        both[y - top:y - top + height, x - left:x - left + width] += instance.mask
    return float((both == 2).sum() / (both > 0).sum())


def _row(reference: Detector, given: Detector, images: Sequence[np.ndarray], turns: int,
         margin: float) -> InstanceRow:
    ious: list[float] = []
    instances, same, score = 0, 0, 0.0
    for image in images:
        # what lies below the threshold for one of both, by rounding, must be there all the same
        with reference.at_threshold(reference.score_thr - margin), \
                given.at_threshold(given.score_thr - margin):
            expected, answer = reference(image), given(image)
        pairs = paired(expected, answer)
        met = {id(part) for pair in pairs for part in pair[:2]}
        sure = [one for found in (expected, answer) for one in found
                if one.score >= reference.score_thr + margin]
        same += all(id(one) in met for one in sure)
        counted = [pair for pair in pairs if pair[0].score >= reference.score_thr]
        ious += [pair[2] for pair in counted]
        score = max([score, *(abs(a.score - b.score) for a, b, _ in counted)])
        instances += sum(one.score >= reference.score_thr for one in expected)
    first = images[0]
    with torch.no_grad():
        times = [median_seconds(lambda detector=detector: detector(first), turns)  # type: ignore[misc]
                 for detector in (reference, given)]
    return InstanceRow(f'{first.shape[1]}x{first.shape[0]}', len(images), instances, same,
                       float(np.mean(ious)) if ious else 1.0, score, *times)
