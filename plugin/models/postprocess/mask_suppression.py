"""Which outlines of an image are one animal twice, or two animals at once."""
import torch
from torch import Tensor

from plugin.utils import UserError

CELLS = 2 ** 24  # of a matrix of masks and pixels that is multiplied at once


def shared_pixels(masks: Tensor) -> Tensor:
    """Pixels that each two masks share.

    Args:
        masks (Tensor): bool (N, H, W).

    Returns:
        Tensor: float64 (N, N); the areas are on the diagonal.
    """
    flat = masks.flatten(1)
    # only where masks lie on each other do different ones share anything
    number = flat.new_zeros(flat.shape[1], dtype=torch.int16)
    # one by one: a sum over all at once copies them as numbers of 8 bytes
    for mask in flat:
        number += mask
    crowded = (number > 1).nonzero()[:, 0]
    shared = flat.new_zeros((len(flat), len(flat)), dtype=torch.float64)
    for columns in crowded.split(max(1, CELLS // max(1, len(flat)))):
        part = flat[:, columns].float()
        shared += (part @ part.T).double()
    for own, mask in zip(shared.diagonal(), flat):
        own.copy_(mask.sum())
    return shared


def mask_nms(masks: Tensor, scores: Tensor, labels: Tensor, *, iou: float = 0.5,
             inside: float | None = None, merged: float | None = None, parts: float = 0.9,
             class_agnostic: bool = False) -> Tensor:
    """Suppress outlines by their pixels, where suppression by boxes cannot tell.

    First, outlines over several animals lose against those of the animals: one is dropped if two
    or more others lie in it (each with a share ``merged`` of its pixels), apart from each other
    (less than ``1 - merged`` of the smaller one is shared), together fill a share ``merged`` of it,
    and each has at least ``parts`` of its score: what replaces it should count at the thresholds
    at which it counts. Then, the surest first, an outline is dropped if
    its IoU with one that is kept is above ``iou``, or a share above ``inside`` of it lies in that
    one. Visible masks of different animals hardly overlap, however much their boxes do.

    Args:
        masks (Tensor): bool (N, H, W).
        scores (Tensor): (N, ), 0..1.
        labels (Tensor): Class ids (N, ); only those of one class suppress each other.
        iou (float): Highest IoU of two that are kept, 0..1. Defaults to 0.5.
        inside (float, optional): Highest share of one that lies in a surer one. Defaults to no
            limit.
        merged (float, optional): Share for merged outlines, above 0.5. Defaults to None: they
            stay.
        parts (float): Of the score of a merged outline that each part needs, 0..1. With lower
            values halves of one animal of which the network is not sure drop the whole one, and
            then fall below the threshold of counting themselves. Defaults to 0.9.
        class_agnostic (bool): Let those of different classes suppress each other.

    Returns:
        Tensor: bool (N, ), whether each is kept.

    Raises:
        UserError: If a share is out of range.

    Example:
        >>> import torch
        >>> from plugin.models.postprocess import mask_nms
        >>> masks = torch.zeros(3, 4, 8, dtype=torch.bool)
        >>> masks[0], masks[1, :, :4], masks[2, :, 4:] = True, True, True
        >>> scores, labels = torch.tensor([0.9, 0.88, 0.85]), torch.zeros(3)
        >>> mask_nms(masks, scores, labels, iou=0.4, merged=0.8).tolist()
        [False, True, True]
        >>> mask_nms(masks, scores, labels, iou=0.4).tolist()
        [True, False, False]
    """
    check_shares(iou=iou, inside=inside, merged=merged, parts=parts)
    shared = shared_pixels(masks)
    area = shared.diagonal().clone()
    rivals = torch.ones_like(shared, dtype=torch.bool) if class_agnostic else (
        labels[:, None] == labels)
    # an empty mask is none, and shares nothing
    kept = area > 0
    if merged is not None:
        kept &= ~_merged(shared, area, scores, rivals, merged, parts)
    union = (area[:, None] + area - shared).clamp(min=1)
    too_alike = shared / union > iou
    if inside is not None:
        # entry [i, j]: j lies in i
        too_alike |= shared / area.clamp(min=1) > inside
    too_alike &= rivals
    for place in scores.argsort(descending=True, stable=True).tolist():
        if kept[place]:
            dropped = too_alike[place] & kept & (scores <= scores[place])
            kept &= ~dropped
            kept[place] = True
    return kept


def check_shares(**shares: float | None) -> None:
    """Stop at what is no share, or at a share ``merged`` at which halves would be parts."""
    for name, value in shares.items():
        least = 0.5 if name == 'merged' else 0
        if value is not None and not least <= value <= 1:
            raise UserError(f'mask_nms.{name}={value} is outside {least:g}..1: give a share')


def _merged(shared: Tensor, area: Tensor, scores: Tensor, rivals: Tensor, least: float,
            parts: float) -> Tensor:
    """Which outlines (N, ) lie over several others that are apart."""
    number = len(area)
    # entry [i, j]: j may be a part of i
    part = rivals & (shared >= least * area) & (scores >= parts * scores[:, None]) & (
        area < least * area[:, None]) & (area > 0)
    apart = shared <= (1 - least) * torch.minimum(area[:, None], area)
    lost = torch.zeros(number, dtype=torch.bool, device=area.device)
    # the smallest first: what is lost itself is no part of a larger one
    for place in area.argsort().tolist():
        own = part[place] & ~lost
        if int(own.sum()) < 2:
            continue
        chosen = torch.zeros_like(lost)
        for candidate in scores.masked_fill(~own, -1).argsort(descending=True, stable=True)[
                :int(own.sum())].tolist():
            chosen[candidate] = bool(apart[candidate][chosen].all())
        if int(chosen.sum()) > 1 and shared[place][chosen].sum() >= least * area[place]:
            lost[place] = True
    return lost
