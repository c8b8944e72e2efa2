"""Matches predicted with true instances of one image and rates the image."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pycocotools import mask as coco_mask
from scipy.optimize import linear_sum_assignment

LEAST_IOU = 0.5


class Matching(NamedTuple):
    """Pairs of predicted and true instances.

    Attributes:
        partner (np.ndarray): For each of the n predictions the index of its instance, -1 for none.
        quality (float): 0 (all is wrong) to 1 (all is right).
    """

    partner: np.ndarray
    quality: float


def match_instances(truth: Sequence[dict], truth_labels: np.ndarray, predictions: Sequence[dict],
                    labels: np.ndarray, crowds: Sequence[dict] = ()) -> Matching:
    """Pair the predictions of an image with its true instances and rate the image.

    A pair has the same class and an IoU of at least 0.5; among all ways to pair them the one with
    the largest sum of IoUs is taken. The quality is that of panoptic segmentation (Kirillov et
    al., 2019, eq. 1), sum of the IoUs of the pairs / (pairs + missed / 2 + wrong / 2), and 1
    where there is neither instance nor prediction. A prediction of which at least half lies in a
    crowd is not wrong.

    Args:
        truth (Sequence[dict]): t true instances as RLE.
        truth_labels (np.ndarray): Their classes ``(t, )``.
        predictions (Sequence[dict]): n predictions as RLE, those that count.
        labels (np.ndarray): Their classes ``(n, )``.
        crowds (Sequence[dict]): Regions to ignore, as RLE.

    Returns:
        Matching: Partners and quality.
    """
    partner = np.full(len(predictions), -1)
    total = 0.0
    if len(truth) and len(predictions):
        ious = coco_mask.iou(list(predictions), list(truth), [0] * len(truth))
        ious = np.where((labels[:, None] == truth_labels) & (ious >= LEAST_IOU), ious, 0)
        rows, columns = linear_sum_assignment(ious, maximize=True)
        paired = ious[rows, columns] > 0
        partner[rows[paired]] = columns[paired]
        total = float(ious[rows, columns].sum())
    wrong = partner < 0
    if len(crowds) and wrong.any():
        inside = coco_mask.iou(list(predictions), list(crowds), [1] * len(crowds))
        wrong &= inside.max(axis=1) < LEAST_IOU
    pairs = int((partner >= 0).sum())
    whole = pairs + (len(truth) - pairs) / 2 + int(wrong.sum()) / 2
    return Matching(partner, total / whole if whole else 1.0)
