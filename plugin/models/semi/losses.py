"""Losses on images without labels.

Each is that of the joined batch of all processes: what a process returns is its own part times
the number of processes, so that the mean which ``DistributedDataParallel`` takes of the gradients
is the gradient of the joined batch.
"""

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor

from .cross_entropy import cross_entropy_sum
from .networks import to_size
from .pseudo_labels import IGNORE


def unsupervised_loss(logits: Tensor, labels: Tensor, valid: Tensor, *, eta: float = 1.,
                      align_corners: bool = False) -> Tensor:
    """Cross-entropy on reliable pixels, weighted by how few they are.

    ``lambda_u L_u``: equations 3 and 8 of `U2PL <https://arxiv.org/abs/2203.03884>`_, with L_u the
    mean over the reliable pixels. Padding is left out of both counts.

    Args:
        logits (Tensor): Of the student, (N, C, h, w); brought to H x W bilinearly.
        labels (Tensor): Of :func:`.reliable_labels`, (N, H, W) int64, 255 where not reliable.
        valid (Tensor): False in padding and holes, (N, H, W) bool.
        eta (float): Base weight. Defaults to 1, that of the paper.
        align_corners (bool): How ``logits`` are brought to H x W. Defaults to False.

    Returns:
        Tensor: 0-dim float32; 0 with a gradient of 0 where no pixel is reliable.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[0, 255]]])  # one pixel of two is reliable: lambda_u is 2
        >>> valid = torch.ones(1, 1, 2, dtype=torch.bool)
        >>> round(unsupervised_loss(torch.zeros(1, 2, 1, 2), labels, valid).item(), 4)  # 2 log(2)
        1.3863
    """
    pixels, reliable = _counts(valid, labels != IGNORE)
    scale = eta * get_world_size() * pixels / reliable.clamp(min=1) ** 2
    return scale * cross_entropy_sum(to_size(logits, labels.shape[1:], align_corners), labels)


def lambda_u(labels: Tensor, valid: Tensor) -> Tensor:
    """Valid pixels by reliable ones, equation 8 of `U2PL <https://arxiv.org/abs/2203.03884>`_.

    Args:
        labels (Tensor): Of :func:`.reliable_labels`, (N, H, W) int64, 255 where not reliable.
        valid (Tensor): False in padding and holes, (N, H, W) bool.

    Returns:
        Tensor: 0-dim float32, at least 1, over all processes, without eta; 0 where no pixel is
        reliable.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[0, 1, 255, 255]]])
        >>> lambda_u(labels, torch.ones(1, 1, 4, dtype=torch.bool)).item()
        2.0
    """
    pixels, reliable = _counts(valid, labels != IGNORE)
    return torch.where(reliable > 0, pixels / reliable.clamp(min=1), 0)


def kept_share(labels: Tensor, valid: Tensor) -> Tensor:
    """The share of the valid pixels whose labels are kept, over all processes.

    Args:
        labels (Tensor): (N, H, W) int64, 255 where not kept.
        valid (Tensor): False in padding and holes, (N, H, W) bool.

    Returns:
        Tensor: 0-dim float32, 0..1.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[0, 255, 255, 255]]])
        >>> kept_share(labels, torch.ones(1, 1, 4, dtype=torch.bool)).item()
        0.25
    """
    pixels, kept = _counts(valid, labels != IGNORE)
    return kept / pixels.clamp(min=1)


def confident_loss(logits: Tensor, labels: Tensor, confidence: Tensor, valid: Tensor,
                   threshold: float | Tensor, *, align_corners: bool = False) -> Tensor:
    """Cross-entropy on confident pixels, divided by the number of all valid ones.

    L. Yang et al., `Revisiting Weak-to-Strong Consistency in Semi-Supervised Semantic
    Segmentation <https://arxiv.org/abs/2208.09910>`_ (UniMatch), equation 3.

    Args:
        logits (Tensor): Of the strong view, (N, C, h, w); brought to H x W bilinearly.
        labels (Tensor): (N, H, W) int64, 255 where there is none.
        confidence (Tensor): Largest probability behind the labels, (N, H, W).
        valid (Tensor): False in padding and holes, (N, H, W) bool.
        threshold (float | Tensor): Smallest confidence that counts, 0.95 in the paper, or that of
            each pixel, (N, H, W).
        align_corners (bool): How ``logits`` are brought to H x W. Defaults to False.

    Returns:
        Tensor: 0-dim float32; 0 with a gradient of 0 where no pixel counts.
    """
    pixels, = _counts(valid)
    kept = labels.masked_fill((confidence < threshold) | ~valid, IGNORE)
    scale = get_world_size() / pixels.clamp(min=1)
    return scale * cross_entropy_sum(to_size(logits, labels.shape[1:], align_corners), kept)


def consistency_loss(logits: Tensor, target_probs: Tensor, weight: Tensor, *,
                     align_corners: bool = False) -> Tensor:
    """Squared difference of two softmax outputs, mean over pixels and classes.

    Of `Mean Teacher <https://arxiv.org/abs/1703.01780>`_ and `CutMix-Seg
    <https://arxiv.org/abs/1906.01916>`_; the latter sums over the classes: multiply by C.

    Args:
        logits (Tensor): Of the student, before the softmax, (N, C, h, w); brought to H x W
            bilinearly.
        target_probs (Tensor): Of the teacher, after the softmax, (N, C, H, W).
        weight (Tensor): Of each pixel, (N, H, W), bool or floating: 0 in padding. Pixels of weight
            0 are part of the mean.
        align_corners (bool): How ``logits`` are brought to H x W. Defaults to False.

    Returns:
        Tensor: 0-dim float32.
    """
    probs = to_size(logits, target_probs.shape[2:], align_corners).softmax(1, dtype=torch.float32)
    squared = F.mse_loss(probs, target_probs.float(), reduction='none').mean(1)
    pixels, = _counts(torch.ones_like(weight, dtype=torch.bool))
    return get_world_size() * (squared * weight).sum() / pixels.clamp(min=1)


def _counts(*masks: Tensor) -> tuple[Tensor, ...]:
    """How many pixels each mask holds in all processes, 0-dim float32."""
    counts = torch.stack([mask.sum() for mask in masks])
    all_reduce(counts)
    return counts.float().unbind()
