"""Which predictions and true instances of an image are counted."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from plugin.datasets.labels.polygons import to_rle
from plugin.utils import UserError

from .coco_results import encode_masks
from .image_quality import LEAST_IOU

# share of an instance in regions from which on it is not counted, as for crowds of COCO
INSIDE = 0.5


def counted(found: Any, instances: Sequence[dict],
            size: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What of an image is counted: neither what has no pixel nor what lies in regions to ignore.

    A crowd of a COCO file concerns instances of its own class; a region is a crowd of each class.
    As in COCO, predictions are first paired with true instances, the surest first, each with the
    one of its class that it overlaps most, by an IoU of 0.5 or more. One that is paired counts as
    that instance does; any other one counts if less than half of it lies in regions.

    Args:
        found (Mapping | InstanceData): n predictions: ``labels``, ``scores`` and perhaps ``masks``,
            (n, H, W) or n RLEs; without these ``bboxes`` (x1, y1, x2, y2).
        instances (Sequence[dict]): The truth as a data set has it: ``bbox``, ``bbox_label``,
            ``ignore_flag`` and perhaps ``mask``; t of them are not to be ignored.
        size (tuple[int, int], optional): H and W of the image in pixels; needed for regions.

    Returns:
        tuple[np.ndarray, np.ndarray]: (n, ) bool, the predictions that count, and (t, ) bool, the
        true instances that do: less than half of each lies in regions.

    Raises:
        UserError: If there are regions and no size.
    """
    regions = [one for one in instances if one.get('ignore_flag', 0)]
    real = [one for one in instances if not one.get('ignore_flag', 0)]
    kept, there = _has_pixels(found), np.ones(len(real), bool)
    if not regions:
        return kept, there
    if size is None:
        raise UserError("regions to ignore need the size of their image: add 'ori_shape' to the "
                        'meta_keys of PackDetInputs in the pipeline of the evaluation')
    labels, scores = (found[name].cpu().numpy() for name in ('labels', 'scores'))
    predicted, truth = _codes(found, *size), [_code(one, *size) for one in real]
    true_labels = np.array([one['bbox_label'] for one in real], int)
    for label in {one['bbox_label'] for one in regions}:
        area = coco_mask.merge([_code(one, *size) for one in regions if one['bbox_label'] == label])
        mine, theirs = np.flatnonzero(labels == label), np.flatnonzero(true_labels == label)
        own, others = [predicted[place] for place in mine], [truth[place] for place in theirs]
        there[theirs] = _outside(others, area)
        partners = _partners(own, others, scores[mine])
        outside = _outside(own, area)
        paired = partners >= 0
        outside[paired] = there[theirs[partners[paired]]]
        kept[mine] &= outside
    return kept, there


def instances_of(sample: Mapping[str, Any]) -> list[dict]:
    """The truth of an image that a metric is given, as a data set has it.

    Args:
        sample (Mapping): A data sample as a dictionary: with ``instances``, or with what
            ``PackDetInputs`` makes of them, ``gt_instances`` and ``ignored_instances``.

    Returns:
        list[dict]: ``bbox_label`` and ``ignore_flag`` of each; where there are regions to ignore
        also its ``mask``.

    Raises:
        UserError: If there is no truth, or it is not known where its regions are.
    """
    if 'instances' in sample:
        return list(sample['instances'])
    name = sample.get('img_path', 'an image without img_path')
    single, ignored = (sample.get(kind) or {} for kind in ('gt_instances', 'ignored_instances'))
    if 'labels' not in single:
        raise UserError(f'{name} has no truth to count: keep LoadAnnotations(with_bbox=True) in '
                        'the pipeline of the evaluation')
    parts = [(single, 0), (ignored, 1)] if len(ignored.get('labels', ())) else [(single, 0)]
    found: list[dict[str, Any]] = [dict(bbox_label=int(label), ignore_flag=flag)
                                   for part, flag in parts for label in part['labels']]
    if len(parts) > 1:
        masks: list[Any] = [part.get('masks') for part, _ in parts]
        size = tuple(sample.get('ori_shape', ())[:2])
        if any(mask is None or (mask.height, mask.width) != size for mask in masks):
            raise UserError(f'{name} has regions to ignore or crowds, and its masks do not tell '
                            "where in the image: add 'instances' to the meta_keys of PackDetInputs "
                            'in the pipeline of the evaluation')
        codes = [code for mask in masks for code in encode_masks(mask.to_ndarray())]
        for one, code in zip(found, codes, strict=True):
            one['mask'] = code
    return found


def _has_pixels(found: Any) -> np.ndarray:
    """Which predictions are outlined at all, (n, ) bool; every one where there are no masks."""
    if 'masks' not in found:
        return np.ones(len(found['labels']), bool)
    masks = found['masks']
    if isinstance(masks, (list, tuple)):
        return np.array([coco_mask.area(one) > 0 for one in masks], bool)
    return masks.flatten(1).any(1).cpu().numpy()


def _outside(codes: list[dict], area: dict) -> np.ndarray:
    """Of which less than half lies in an area, (n, ) bool."""
    if not codes:
        return np.zeros(0, bool)
    return coco_mask.iou(codes, [area], [1])[:, 0] < INSIDE


def _partners(predicted: list[dict], truth: list[dict], scores: np.ndarray) -> np.ndarray:
    """The true instance that each prediction is taken for, (n, ); -1 for none."""
    partners = np.full(len(predicted), -1)
    if not predicted or not truth:
        return partners
    free = coco_mask.iou(predicted, truth, [0] * len(truth))
    for place in np.argsort(-scores, kind='stable'):
        best = int(free[place].argmax())
        if free[place, best] >= LEAST_IOU:
            partners[place] = best
            free[:, best] = 0
    return partners


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
