"""Overlaps of boxes, and greedy non-maximum suppression."""
import torch
from torch import Tensor

from . import kernels

# boxes that are settled at a time, and pairs that are compared at a time: these stay in a core's
# cache, and threads, which may be busy with loading data, are not woken for them
CHUNK, CPU_PAIRS = 96, 1 << 14
GPU_PAIRS = 1 << 24
# boxes that are worth being looked at by themselves
BAND = 128
GPU_ROUNDS = 8


def areas(corners: Tensor, offset: int) -> Tensor:
    """Areas of boxes, (N,), from their corners (4, N): x1, y1, x2, y2."""
    width, height = corners[2] - corners[0], corners[3] - corners[1]
    return (width + offset) * (height + offset) if offset else width * height


def pairwise_iou(first: Tensor, second: Tensor, offset: int, zero: bool = False) -> Tensor:
    """Intersection over union of each of N boxes with each of M, as mmcv computes it.

    Args:
        first (Tensor): Corners x1, y1, x2, y2, (4, N).
        second (Tensor): The same, (4, M).
        offset (int): Added to widths and heights: 0, or 1 where x2 is the last pixel.
        zero (bool): Two boxes without area have 0 in common, not NaN.

    Returns:
        Tensor: (N, M).
    """
    both = areas(first, offset)[:, None] + areas(second, offset)
    # (2, N, M): widths and heights
    sides = torch.minimum(first[2:, :, None], second[2:, None])
    sides -= torch.maximum(first[:2, :, None], second[:2, None])
    if offset:
        sides += offset
    sides.clamp_(min=0)
    common = sides[0].mul_(sides[1])
    both -= common
    if zero:
        both.clamp_(min=torch.finfo(both.dtype).tiny)  # what is in common is 0 then
    return common.div_(both)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Keep each box that overlaps no kept box of a higher score by more than a threshold.

    Args:
        boxes (Tensor): x1, y1, x2, y2, (N, 4).
        scores (Tensor): (N,).
        iou_threshold (float): Intersection over union above which the lower one goes.
        offset (int): Added to widths and heights, 0 or 1.

    Returns:
        Tensor: Indices of the kept boxes, highest score first, int64. Boxes of equal scores come
        in the order in which ``Tensor.sort`` puts them, as with the compiled operator.
    """
    if not boxes.numel():
        return boxes.new_empty(0, dtype=torch.long)
    # mmcv's sort is not the stable one; only the same sort has the same order of equal scores
    order = scores.sort(0, descending=True).indices
    precise = boxes if boxes.dtype == torch.float64 else boxes.float()
    ranked = precise[order]
    if not offset and kernels.torchvision_works(boxes.device.type):
        return order[kernels.torchvision_nms(ranked, iou_threshold)]
    corners = ranked.t().contiguous()
    if boxes.device.type == 'cpu':
        return order[_kept_in_bands(corners, iou_threshold, offset)]
    return order[_kept_at_once(corners, iou_threshold, offset)]


def _kept_in_bands(corners: Tensor, threshold: float, offset: int) -> Tensor:
    """Places of the kept boxes in (4, N), which come highest score first, from high to low."""
    kept = torch.zeros(corners.size(1), dtype=torch.bool)
    for band in _bands(corners, threshold, offset):
        kept[_kept_in_chunks(corners.index_select(1, band), band, threshold, offset)] = True
    return kept.nonzero()[:, 0]


def _bands(corners: Tensor, threshold: float, offset: int) -> list[Tensor]:
    """Places of boxes, from high to low, of which no two in different bands overlap.

    ``batched_nms`` moves each class, or level of a pyramid, to a place of its own.
    """
    count = corners.size(1)
    start, order = corners[0].sort()
    # the end of all that started before
    end = corners[2].index_select(0, order).cummax(0).values
    apart = (end[:-1] - start[1:] <= -offset).nonzero()[:, 0]
    starts = [0]
    for cut in apart.tolist() if threshold >= 0 else ():
        if cut + 1 - starts[-1] >= BAND:
            starts.append(cut + 1)
    if len(starts) == 1:
        return [torch.arange(count)]
    number = torch.zeros(count, dtype=torch.long)
    number[starts[1:]] = 1
    band = torch.empty_like(number).scatter_(0, order, number.cumsum(0))
    return [(band == k).nonzero()[:, 0] for k in range(len(starts))]


def _kept_in_chunks(corners: Tensor, places: Tensor, threshold: float, offset: int) -> Tensor:
    """Which of ``places``, (N,), are kept, of boxes (4, N), which come highest score first.

    Each chunk is settled by itself, then removes what it overlaps from all that follows: about as
    many pairs are compared as by a loop over boxes.
    """
    kept = []
    while len(places):
        chunk, corners = corners[:, :CHUNK], corners[:, CHUNK:]
        stays = _settle(pairwise_iou(chunk, chunk, offset) > threshold)
        kept.append(places[:CHUNK][stays])
        places = places[CHUNK:]
        if len(places):
            stay = chunk.index_select(1, stays)
            # the largest of a column, not any() of a comparison, which takes ten times as long
            most = torch.cat([pairwise_iou(stay, part, offset, zero=True).amax(0)
                              for part in corners.split(CPU_PAIRS // len(stays), dim=1)])
            free = (most <= threshold).nonzero()[:, 0]
            places, corners = places[free], corners.index_select(1, free)
    return torch.cat(kept)


def _settle(overlaps: Tensor) -> Tensor:
    """Which of a few boxes are kept, highest score first, given who overlaps whom: (N, N) bool."""
    removed = bytearray(len(overlaps))
    high, low = overlaps.triu_(1).nonzero(as_tuple=True)
    for box, other in zip(high.tolist(), low.tolist()):
        if not removed[box]:
            removed[other] = 1
    return torch.tensor([box for box, gone in enumerate(removed) if not gone])


def _kept_at_once(corners: Tensor, threshold: float, offset: int) -> Tensor:
    """The same as a mask, (N,), where waiting for the device costs more than comparing all."""
    count = corners.size(1)
    rows = max(GPU_PAIRS // count, 1)
    removes = torch.cat([pairwise_iou(part, corners, offset) > threshold
                         for part in corners.split(rows, dim=1)]).triu_(1)
    kept = removes.new_ones(count)
    while True:
        for _ in range(GPU_ROUNDS):
            before = kept
            kept = ~(removes & before[:, None]).any(0)
        # the one wait that the compiled operator has too, when it counts what is kept
        if torch.equal(kept, before):
            return kept


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    """Group boxes by the kept box that suppresses them.

    Args:
        dets (Tensor): x1, y1, x2, y2, score, (N, 5).
        iou_threshold (float): Intersection over union from which the lower one goes.

    Returns:
        list[list[int]]: For each kept box, highest score first, its index and those of the boxes
        that it suppresses.
    """
    order = dets[:, 4].contiguous().sort(0, descending=True).indices
    corners = dets[order, :4].t().contiguous()
    groups = []
    while order.numel():
        covered = pairwise_iou(corners[:, :1], corners, 0)[0] >= iou_threshold
        covered[0] = True  # a box without area does not overlap itself
        groups.append(order[covered].tolist())
        order, corners = order[~covered], corners[:, ~covered]
    return groups


def bbox_overlaps(bboxes1: Tensor, bboxes2: Tensor, ious: Tensor, mode: int, aligned: bool,
                  offset: int) -> None:
    """Write overlaps into ``ious``.

    Args:
        bboxes1 (Tensor): x1, y1, x2, y2, (N, 4).
        bboxes2 (Tensor): The same, (M, 4).
        ious (Tensor): (N, M), or (N,) where ``aligned``.
        mode (int): 0 divides by the union, 1 by the area of the first box.
        aligned (bool): Compare the n-th box with the n-th.
        offset (int): Added to widths and heights, 0 or 1.
    """
    first, second = bboxes1.t(), bboxes2.t()
    if not aligned:
        first, second = first[:, :, None], second[:, None]
    area = areas(first, offset)
    sides = torch.minimum(first[2:], second[2:]) - torch.maximum(first[:2], second[:2])
    sides = (sides + offset).clamp_(min=0)
    common = sides[0] * sides[1]
    base = area + areas(second, offset) - common if mode == 0 else area
    if bboxes1.device.type != 'cpu':
        base = base.clamp(min=offset)  # so do mmcv's kernels for a GPU
    ious.copy_(common / base)
