"""A training step of each family in each precision: losses and gradients are finite, ms, memory."""
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from gpu.common import Row, attempt, failure, free, median_ms, peak_of
from gpu.models import PRECISIONS, Learner, gradients

FAMILIES = {
    'FCN-8s': 'fcn8s_voc', 'SegNet': 'segnet_voc', 'U-Net': 'unet_voc', 'PSPNet': 'pspnet_r101_voc',
    'DeepLab v1': 'deeplabv1_voc', 'DeepLab v2': 'deeplabv2_r101_voc',
    'DeepLab v3': 'deeplabv3_r101_voc', 'DeepLab v3+': 'deeplabv3plus_r101_voc',
    'RefineNet': 'refinenet_r101_voc', 'Mask R-CNN R50': 'mask-rcnn_r50_cattle',
    'Mask R-CNN Swin-T': 'mask-rcnn_swin-t_cattle',
    'Cascade Mask R-CNN Swin-T': 'cascade-mask-rcnn_swin-t_cattle', 'U2PL': 'u2pl_r101_voc',
    'Mean Teacher': 'mean-teacher_mnv2_animals7', 'UniMatch': 'unimatch_r101-321_voc',
    'UniMatch V2 DINOv2-S': 'unimatchv2_dinov2-s_voc', 'MaskTeacher': 'maskteacher_r50_cattle'}
# small networks that stand for the kinds of steps, where a processor must do
QUICK = {
    'SegNet': 'segnet-basic_camvid', 'DeepLab v3+': 'deeplabv3plus_mnv2_camvid',
    'U2PL': 'u2pl_mnv2_camvid', 'Mask R-CNN': 'mask-rcnn_mnv2_pigs',
    'MaskTeacher': 'maskteacher_mnv2_pigs_22'}


def measure(*, device: str, quick: bool, kit: Path | None,
            families: dict[str, str] | None = None) -> Iterator[Row]:
    """Yield a row for each family and precision."""
    # looking for the fastest convolutions of each network would take most of the time
    torch.backends.cudnn.benchmark = False
    for family, config in (families or (QUICK if quick else FAMILIES)).items():
        torch.manual_seed(0)
        free(device)
        try:
            learner = _learner(config, device, quick)
        except Exception as error:
            yield dict(name=family, **failure(error))
            continue
        for precision in PRECISIONS:
            if precision == 'float16' and device == 'cpu':
                continue  # what nobody trains in
            yield attempt(f'{family}, {precision}',
                          partial(_train, learner, precision, device, quick))
        del learner


def _learner(config: str, device: str, quick: bool) -> Learner:
    if not quick:
        return Learner(config, device)
    # patches of 14 pixels, and at least two values for batch norm after pooling
    size = (70, 70) if 'dinov2' in config else (64, 64)
    return Learner(config, device, size=size, keys=64 if 'u2pl' in config else None)


def _train(learner: Learner, precision: str, device: str, quick: bool) -> Row:
    learner.model.zero_grad()
    with peak_of(device) as peak:
        loss = learner.losses(precision)
        loss.backward()
    row = dict(config=Path(learner.cfg.filename).stem, images=learner.images,
               size=list(learner.size), loss=loss.item(), finite=math.isfinite(loss.item()),
               **gradients(learner.model))
    learner.model.zero_grad()
    learner.wrap(precision)
    with peak_of(device) as peak:
        row['ms'] = median_ms(partial(learner.step, precision), device,
                              repeats=1 if quick else 3, warm_up=1 if quick else 2)
    return dict(row, **peak)
