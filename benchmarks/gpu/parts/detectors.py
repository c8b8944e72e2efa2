"""Mask R-CNN on ResNet-50 and Swin-T: seconds an iteration and images a second."""
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from gpu.common import Row, attempt, failure, free, median_ms, peak_of
from gpu.models import Learner

from .equal import in_pytorch

# detectron2's Mask R-CNN R50-FPN: s an iteration of 16 images on 8 V100
PUBLISHED = dict(seconds=0.261, images=16, cards=8)
CONFIGS = ('mask-rcnn_r50_cattle', 'mask-rcnn_swin-t_cattle')


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield both networks with 2 and 16 images of 800 x 1333, in float32 and bfloat16."""
    yield dict(name='published, R50, detectron2', **PUBLISHED, images_a_second_and_card=(
        PUBLISHED['images'] / PUBLISHED['seconds'] / PUBLISHED['cards']))
    for images in (1, ) if quick else (2, 16):
        for config in CONFIGS[:1] if quick else CONFIGS:
            torch.manual_seed(0)
            free(device)
            try:
                learner = Learner(config, device, batch=images,
                                  size=(128, 160) if quick else (800, 1333))
            except Exception as error:
                yield dict(name=f'{config}, {images} images', **failure(error))
                continue
            for precision in ('float32', ) if quick else ('bfloat16', 'float32'):
                learner.wrap(precision)
                yield attempt(f'{config}, {images} images, {precision}',
                              partial(_iteration, learner, precision, device, quick))
            if images == 2:
                # without torchvision, which the installation does not bring
                with in_pytorch():
                    yield attempt(f'{config}, {images} images, float32, operators in PyTorch',
                                  partial(_iteration, learner, 'float32', device, quick))


def _iteration(learner: Learner, precision: str, device: str, quick: bool) -> Row:
    with peak_of(device) as peak:
        milliseconds = median_ms(partial(learner.step, precision), device,
                                 repeats=1 if quick else 5, warm_up=1 if quick else 3)
    return dict(seconds=milliseconds / 1e3, images=learner.images,
                images_a_second=1e3 * learner.images / milliseconds, **peak)
