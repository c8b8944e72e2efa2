"""Which predictions and true instances of an image are counted, where regions are ignored."""
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from plugin.datasets.labels.polygons import to_rle

from .coco_results import encode_masks

# share of an instance in regions from which on it is not counted, as for crowds of COCO
INSIDE = 0.5


def counted(found: Any, instances: Sequence[dict],
            size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Leave out of the count what lies in regions to ignore, on both sides alike.

    A crowd of a COCO file concerns instances of its own class; a region is a crowd of each class.

    Args:
        found (Mapping | InstanceData): n predictions: ``labels`` and ``bboxes`` (x1, y1, x2, y2),
            perhaps ``masks``, (n, H, W) or n RLEs.
        instances (Sequence[dict]): The truth as a data set has it: ``bbox``, ``bbox_label``,
            ``ignore_flag`` and perhaps ``mask``; t of them are not to be ignored.
        size (tuple[int, int]): H and W of the image in pixels.

    Returns:
        tuple[np.ndarray, np.ndarray]: (n, ) bool, the predictions that count, and (t, ) bool, the
        true instances that do: less than half of each lies in regions.
    """
    regions = [one for one in instances if one.get('ignore_flag', 0)]
    real = [one for one in instances if not one.get('ignore_flag', 0)]
    labels = found['labels'].cpu().numpy()
    if not regions:
        return np.ones(len(labels), bool), np.ones(len(real), bool)
    truth = [_code(one, *size) for one in real]
    true_labels = np.array([one['bbox_label'] for one in real], int)
    predicted = _codes(found, *size)
    counts = np.ones(len(labels), bool), np.ones(len(real), bool)
    for label in {one['bbox_label'] for one in regions}:
        area = coco_mask.merge([_code(one, *size) for one in regions if one['bbox_label'] == label])
        for codes, own, kept in ((predicted, labels, counts[0]), (truth, true_labels, counts[1])):
            places = np.flatnonzero(own == label)
            if len(places):
                shares = coco_mask.iou([codes[place] for place in places], [area], [1])
                kept[places] = shares[:, 0] < INSIDE
    return counts


def _code(instance: dict, height: int, width: int) -> dict:
    """A true instance as run lengths; its box where it has no mask."""
    if 'mask' in instance:
        return to_rle(instance['mask'], height, width)
    return _boxes(np.array([instance['bbox']], float), height, width)[0]


def _codes(found: Any, height: int, width: int) -> list[dict]:
    """Predictions as run lengths; their boxes where there are no masks."""
    if 'masks' not in found:
        return _boxes(found['bboxes'].cpu().numpy().astype(float), height, width)
    masks = found['masks']
    return list(masks) if isinstance(masks, (list, tuple)) else encode_masks(
        masks.detach().cpu().numpy())


def _boxes(corners: np.ndarray, height: int, width: int) -> list[dict]:
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return coco_mask.frPyObjects(boxes, height, width) if len(boxes) else []
