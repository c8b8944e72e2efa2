"""Predictions in the formats of COCO: run lengths, boxes and result files."""
import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from faster_coco_eval import COCO
from pycocotools import mask as coco_mask

from plugin.datasets.labels.coco_file import check_coco
from plugin.datasets.labels.json_file import read_json
from plugin.datasets.labels.polygons import readable
from plugin.datasets.labels.regions import with_regions
from plugin.datasets.labels.segmentations import without_fragments
from plugin.utils import UserError, write_atomically

from .coco_scores import load


def encode_masks(masks: np.ndarray) -> list[dict]:
    """Run lengths of masks.

    Args:
        masks (np.ndarray): ``(N, H, W)``, bool or uint8 (0 and 1).

    Returns:
        list[dict]: N compressed RLEs: ``size`` [H, W] and ``counts`` as bytes.

    Example:
        >>> encode_masks(np.array([[[0, 1], [0, 1]]], bool))[0]['size']
        [2, 2]
    """
    masks = np.ascontiguousarray(masks).view(np.uint8)
    # pycocotools' encode() reads every pixel twice; an instance fills a small part of them
    return coco_mask.frPyObjects([_runs(mask) for mask in masks], *masks.shape[1:]) if len(
        masks) else []


def coco_results(predictions: Sequence[dict], kind: str,
                 category_ids: Sequence[int]) -> list[dict]:
    """COCO results of all images, in one list.

    Args:
        predictions (Sequence[dict]): An image each: ``img_id`` and its n ``bboxes`` (x1, y1, x2,
            y2), ``scores``, ``labels`` and perhaps ``masks`` (RLEs) and ``mask_scores``.
        kind (str): ``'bbox'`` or ``'segm'``.
        category_ids (Sequence[int]): The category of each label.

    Returns:
        list[dict]: ``image_id``, ``category_id``, ``score`` and ``bbox`` (x, y, width, height) or
        ``segmentation``.

    Raises:
        UserError: If masks are asked for and an image has none.
    """
    key = 'bbox' if kind == 'bbox' else 'segmentation'
    found: list[dict] = []
    for prediction in predictions:
        shapes, scores = _boxes(prediction), prediction['scores']
        if kind == 'segm':
            if 'masks' not in prediction:
                raise UserError("the model predicts no masks: leave 'segm' out of metric=[...], "
                                'or give the model a mask head')
            shapes, scores = prediction['masks'], prediction.get('mask_scores', scores)
        found += [{'image_id': prediction['img_id'], 'category_id': category_ids[label],
                   'score': score, key: shape} for label, score, shape
                  in zip(prediction['labels'].tolist(), scores.tolist(), shapes, strict=True)]
    return found


def write_results(predictions: Sequence[dict], prefix: str,
                  category_ids: Sequence[int]) -> list[str]:
    """Write ``<prefix>.bbox.json`` and, if there are masks, ``<prefix>.segm.json``.

    Args:
        predictions (Sequence[dict]): As for :func:`coco_results`.
        prefix (str): Beginning of the paths.
        category_ids (Sequence[int]): The category of each label.

    Returns:
        list[str]: The paths.
    """
    contents = {'bbox': coco_results(predictions, 'bbox', category_ids)}
    if all('masks' in prediction for prediction in predictions):
        contents['segm'] = [
            dict(entry, bbox=box['bbox'], segmentation=readable(entry['segmentation']))
            for entry, box in zip(coco_results(predictions, 'segm', category_ids),
                                  contents['bbox'], strict=True)]
    for kind, content in contents.items():
        write_atomically(f'{prefix}.{kind}.json', json.dumps(content))
    return [f'{prefix}.{kind}.json' for kind in contents]


def read_truth(path: str, backend_args: dict[str, Any] | None = None,
               outlines: bool = True) -> COCO:
    """Read a COCO file to compare with.

    Args:
        path (str): The JSON file.
        backend_args (dict, optional): Where MMEngine's file client finds it.
        outlines (bool): Whether masks are to be compared, not boxes alone. Defaults to True.

    Returns:
        COCO: Its content; the ids of the annotations are 1, 2, ...

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is no COCO file that one can train on.
    """
    content = read_json(path, backend_args=backend_args, absent=f'annotation file {path} does not '
                        'exist: correct ann_file of the evaluator')
    check_coco(path, content, outlines)
    content = with_regions(content)
    # the evaluation treats an annotation with the id 0 as one without a match
    annotations = [
        {**one, 'id': number, 'segmentation': without_fragments(one.get('segmentation'))}
        for number, one in enumerate(content['annotations'], start=1)]
    try:
        return load(dict(content, annotations=annotations))
    # it is written for good files
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise UserError(f'{path} is no COCO file of instances ({type(error).__name__}: {error}): '
                        'correct ann_file of the evaluator') from error


def _boxes(prediction: dict) -> list[list[float]]:
    """Corner and size of boxes ``(n, 4)`` given as x1, y1, x2, y2."""
    boxes = prediction['bboxes'].astype(np.float64)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()


def _runs(mask: np.ndarray) -> dict:
    """Lengths of the runs of 0 and 1 down the columns of a mask, computed within its box."""
    height, width = mask.shape
    left, top, columns, box_height = cv2.boundingRect(mask)
    # a row of zeros separates the columns; without one, runs continue in the next column
    first, last = max(top - 1, 0), min(top + box_height + 1, height)
    rows = last - first
    inside = np.zeros(columns * rows + 2, bool)
    inside[1:-1].reshape(columns, rows)[:] = mask[first:last, left:left + columns].T
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    edges[1::2] -= 1  # the last pixel of a run, which is in the same column as the run
    edges += edges // rows * (height - rows) + left * height + first
    edges[1::2] += 1
    ends = [*edges.tolist(), height * width]
    counts = [end - start for start, end in zip([0, *ends], ends)]
    # no run of zeros follows a run that ends with the image
    return dict(size=[height, width], counts=counts if counts[-1] else counts[:-1])
