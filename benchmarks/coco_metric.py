"""Time of FastCocoMetric and of MMDetection's CocoMetric for a set of images.

Both metrics score the same predictions in one run: outlined animals, most of them found nearly
right, and as many wrong ones as make up 100 an image. ``process()`` is mostly the encoding of
masks, ``evaluate()`` all that follows. The scores of both are compared.

    OMP_NUM_THREADS=1 python benchmarks/coco_metric.py
"""
import argparse
import contextlib
import io
import time
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.evaluation import CocoMetric
from mmengine.logging import MMLogger
from prettytable import PrettyTable

from plugin.evaluation import FastCocoMetric

SIZES = (320, 480, 640)
Ellipse = tuple[np.ndarray, np.ndarray, float]


def make_sample(rng: np.random.Generator, number: int, size: int, animals: int,
                predictions: int) -> dict[str, Any]:
    """A sample as ``Evaluator`` hands it to a metric, on an image of size x size pixels."""
    shapes = [(rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.04, 0.12, 2) * size,
               rng.uniform(0, 180)) for _ in range(animals)]
    truth = np.stack([_draw(shape, size) for shape in shapes])
    errors = [size * (0.01 if index < animals else 0.1) for index in range(predictions)]
    found = np.stack([_draw(_shaken(rng, shapes[index % animals], error), size)
                      for index, error in enumerate(errors)])
    return dict(
        img_id=number, ori_shape=(size, size),
        instances=[dict(bbox=box, bbox_label=0, mask=_outline(mask), ignore_flag=0)
                   for box, mask in zip(_boxes(truth), truth, strict=True)],
        pred_instances=dict(
            bboxes=torch.tensor(_boxes(found), dtype=torch.float32),
            scores=torch.from_numpy(rng.random(predictions, np.float32)),
            labels=torch.zeros(predictions, dtype=torch.int64),
            masks=torch.from_numpy(found).bool()))


def measure(metric: CocoMetric, samples: list[dict], passes: int) -> tuple[float, float, dict]:
    """Seconds of ``process()`` and of ``evaluate()``, and the scores."""
    metric.dataset_meta = dict(classes=('cattle', ))
    start = time.perf_counter()
    for turn in range(passes):
        # the same masks under other ids: thousands of them would not fit into memory
        for sample in samples:
            metric.process(None, [dict(sample, img_id=turn * len(samples) + sample['img_id'])])
    processed = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        scores = metric.evaluate(passes * len(samples))
    return processed - start, time.perf_counter() - processed, scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--pictures', type=int, default=300, dest='images',
                        help='in multiples of 30')
    args = parser.parse_args()
    MMLogger.get_instance('benchmark', log_level='ERROR')
    table = PrettyTable(['masks', 'process s', 'evaluate s', 'together s', 'faster: evaluate',
                         'together'])
    for size in SIZES:
        rng = np.random.default_rng(0)
        samples = [make_sample(rng, number, size, 10, 100) for number in range(30)]
        (slow, fast) = (measure(cls(metric=['bbox', 'segm']), samples, max(args.images // 30, 1))
                        for cls in (CocoMetric, FastCocoMetric))
        for item in ('bbox_mAP', 'bbox_mAP_50', 'segm_mAP', 'segm_mAP_50'):
            # CocoMetric rounds to three decimals
            assert abs(slow[2][f'coco/{item}'] - fast[2][f'coco/{item}']) < 6e-4, item
        table.add_row([f'{size}x{size}', *(f'{a:.1f} / {b:.1f}' for a, b in (
            (slow[0], fast[0]), (slow[1], fast[1]), (sum(slow[:2]), sum(fast[:2])))),
            f'{slow[1] / fast[1]:.1f}x', f'{sum(slow[:2]) / sum(fast[:2]):.1f}x'])
    print(f'{args.images} images with 10 animals and 100 predictions, CocoMetric / '
          f'FastCocoMetric, {torch.get_num_threads()} threads')
    print(table)


def _shaken(rng: np.random.Generator, shape: Ellipse, by: float) -> Ellipse:
    centre, axes, angle = shape
    return centre + rng.normal(0, by, 2), axes, angle


def _draw(shape: Ellipse, size: int) -> np.ndarray:
    centre, axes, angle = shape
    mask = np.zeros((size, size), np.uint8)
    centre = np.clip(centre, 0, size - 1)  # so that every mask has pixels
    cv2.ellipse(mask, centre.astype(int).tolist(), axes.astype(int).tolist(), angle, 0, 360, 1, -1)
    return mask


def _boxes(masks: np.ndarray) -> list[list[int]]:
    found = (cv2.boundingRect(mask) for mask in masks)
    return [[x, y, x + width, y + height] for x, y, width, height in found]


def _outline(mask: np.ndarray) -> list[list[float]]:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [contours[0].reshape(-1).astype(float).tolist()]


if __name__ == '__main__':
    main()
