"""Operators and the functions of U2PL on the device, compared with the CPU's."""
import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from gpu.common import Row, attempt
from operators import USERS, boxes_of
from torch import Tensor

Given = dict[str, Tensor]


def measure(*, device: str, quick: bool, kit: Path | None) -> Iterator[Row]:
    """Yield the largest differences, those of operators in PyTorch by themselves as well."""
    import mmcv.ops  # noqa: F401, I001

    import plugin  # noqa: F401, finds operators for mmcv
    from plugin.ops import kernels, serving
    count = 60 if quick else 2000
    yield attempt('serving', lambda: dict(operators=serving(),
                                          torchvision=kernels.torchvision_works(device)))
    for name, (make, call) in {**OPERATORS, **STEPS}.items():
        yield attempt(name, partial(compare, make(count), call, device))
    for name, (make, call) in OPERATORS.items():
        if 'nms' in name or 'roi' in name:
            yield attempt(f'{name}, in PyTorch',
                          partial(compare, make(count), call, device, in_pytorch()))


@contextlib.contextmanager
def in_pytorch() -> Iterator[None]:
    """Let mmcv call our operators, and these no kernels of torchvision."""
    from plugin.ops import extension, kernels
    with contextlib.ExitStack() as stack:
        for name in USERS:
            stack.enter_context(mock.patch.object(
                sys.modules[f'mmcv.ops.{name}'], 'ext_module', extension))
        stack.enter_context(mock.patch.object(kernels, 'torchvision_works', lambda kind: False))
        yield


def compare(given: Given, call: Callable[..., Any], device: str,
            context: contextlib.AbstractContextManager | None = None) -> Row:
    """Largest difference of what a function returns on the device, in a context, and on the CPU."""
    here = _listed(call(**given))
    with context or contextlib.nullcontext():
        there = _listed(call(**{name: value.to(device) for name, value in given.items()}))
    row: Row = dict(equal=True, difference=0., outputs=len(here))
    for ours, theirs in zip(here, there, strict=True):
        theirs = theirs.cpu()
        if ours.shape != theirs.shape:
            return dict(equal=False, shapes=[list(ours.shape), list(theirs.shape)])
        if ours.is_floating_point():
            apart = (ours.double() - theirs.double()).abs().nan_to_num(0)
            row['difference'] = max(row['difference'], apart.max().item() if apart.numel() else 0.)
            row['equal'] &= torch.allclose(ours, theirs.to(ours.dtype), 1e-4, 1e-5, equal_nan=True)
        else:
            row['different'] = row.get('different', 0) + int((ours != theirs).sum())
            row['equal'] &= torch.equal(ours, theirs)
    return row


def _listed(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else [one for one in result if one is not None]


def _boxes(count: int) -> Given:
    torch.manual_seed(0)
    return dict(boxes=boxes_of(count, 800, 1333, 'cpu'), scores=torch.rand(count))


def _maps(count: int) -> Given:
    torch.manual_seed(0)
    rois = torch.cat([torch.randint(2, (count // 10, 1)).float(),
                      boxes_of(count // 10, 200, 300, 'cpu')], 1)
    return dict(maps=torch.randn(2, 16, 50, 75), rois=rois)


def _logits(count: int) -> Given:
    torch.manual_seed(0)
    return dict(logits=torch.randn(count, 8), labels=torch.randint(9, (count, )))


def _images(count: int) -> Given:
    torch.manual_seed(0)
    logits = 3 * torch.randn(2, 6, 24, count)
    labels = torch.randint(6, (2, 24, count))
    labels[:, :2] = 255
    return dict(logits=logits, labels=labels)


def _nms(boxes: Tensor, scores: Tensor, **options: Any) -> Any:
    from mmcv.ops import nms
    return nms(boxes, scores, 0.5, **options)


def _batched_nms(boxes: Tensor, scores: Tensor) -> Any:
    from mmcv.ops import batched_nms
    level = torch.arange(len(boxes), device=boxes.device) % 5
    return batched_nms(boxes, scores, level, dict(type='nms', iou_threshold=0.5))


def _soft_nms(boxes: Tensor, scores: Tensor) -> Any:
    from mmcv.ops import soft_nms
    return soft_nms(boxes[:300], scores[:300], min_score=0.05)


def _overlaps(boxes: Tensor, scores: Tensor) -> Any:
    from mmcv.ops import bbox_overlaps
    return bbox_overlaps(boxes[:200], boxes[200:] if len(boxes) > 300 else boxes)


def _roi_align(maps: Tensor, rois: Tensor, ratio: int = 0, mode: str = 'avg') -> Any:
    from mmcv.ops import roi_align
    maps = maps.clone().requires_grad_(True)
    pooled = roi_align(maps, rois, 7, 0.25, ratio, mode, True)
    return pooled.detach(), torch.autograd.grad(pooled.square().sum(), maps)[0]


def _focal(logits: Tensor, labels: Tensor) -> Any:
    from plugin.ops.focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
    loss, slope, weight = torch.empty_like(logits), torch.empty_like(logits), logits.new_empty(0)
    sigmoid_focal_loss_forward(logits, labels, weight, loss, 2., 0.25)
    sigmoid_focal_loss_backward(logits, labels, weight, slope, 2., 0.25)
    return loss, slope


def _pseudo_labels(logits: Tensor, labels: Tensor) -> Any:
    from plugin.models.semi.entropy import masked_quantile
    from plugin.models.semi.pseudo_labels import predict_pseudo_labels
    pseudo = predict_pseudo_labels(logits, labels != 255)
    return (pseudo.labels, pseudo.entropy, pseudo.confidence,
            masked_quantile(logits, logits > -1, 0.8))


def _cross_entropy(logits: Tensor, labels: Tensor) -> Any:
    from plugin.models.semi.cross_entropy import cross_entropy_sum
    logits = logits.clone().requires_grad_(True)
    total = cross_entropy_sum(logits, labels) / labels.numel()
    return total.detach(), torch.autograd.grad(total, logits)[0]


def _masks(logits: Tensor, labels: Tensor) -> Any:
    from plugin.models.semi.selection import anchor_mask, class_sums, low_mask, negative_mask
    labeled = torch.tensor([True, False], device=labels.device)
    reliable = labels % 2 == 0
    low = low_mask(labels, reliable, labeled, 6)
    sums, numbers = class_sums(logits, labels, low, 6)
    return (low, anchor_mask(logits, labels, low), sums / numbers.clamp(min=1)[:, None], numbers,
            negative_mask(logits, labels, ~reliable, labeled, (1, 4)))


def _info_nce(logits: Tensor, labels: Tensor) -> Any:
    from plugin.models.semi.info_nce import info_nce
    keys = torch.nn.functional.normalize(logits, dim=1)
    anchors = keys[:20].clone().requires_grad_(True)
    rows = torch.arange(20 * 12, device=keys.device).view(20, 12) % len(keys)
    losses = info_nce(anchors, keys[20:40], keys, rows)
    return losses.detach(), torch.autograd.grad(losses.sum(), anchors)[0]


OPERATORS: dict[str, tuple[Callable[[int], Given], Callable[..., Any]]] = {
    'nms': (_boxes, _nms),
    'nms with offset 1': (_boxes, lambda **given: _nms(**given, offset=1)),
    'batched_nms': (_boxes, _batched_nms), 'soft_nms': (_boxes, _soft_nms),
    'bbox_overlaps': (_boxes, _overlaps),
    'roi_align and its gradient': (_maps, _roi_align),
    'roi_align, 2 samples a bin': (_maps, lambda **given: _roi_align(**given, ratio=2)),
    'roi_align, maximum': (_maps, lambda **given: _roi_align(**given, mode='max')),
    'focal loss and its gradient': (_logits, _focal)}
STEPS: dict[str, tuple[Callable[[int], Given], Callable[..., Any]]] = {
    'pseudo-labels, entropies and their quantile': (_images, _pseudo_labels),
    'cross-entropy and its gradient': (_images, _cross_entropy),
    'masks of anchors and negatives, class centres': (_images, _masks),
    'InfoNCE and its gradient': (_logits, _info_nce)}
