"""Soft non-maximum suppression (Bodla et al., ICCV 2017, arXiv:1704.04503)."""
import heapq
import math
from array import array
from collections.abc import Iterable

import torch
from torch import Tensor

from .boxes import pairwise_iou

NAIVE, LINEAR, GAUSSIAN = range(3)
# boxes up to which all pairs are compared beforehand, not row by row
ALL_PAIRS = 2048


def softnms(boxes: Tensor, scores: Tensor, dets: Tensor, iou_threshold: float, sigma: float,
            min_score: float, method: int, offset: int) -> Tensor:
    """Take the box of the highest score, lower those that overlap it, and so on.

    A box loses the factor (1 - IoU) from a threshold on (linear), exp(-IoU^2 / sigma) (gaussian),
    or all (naive). Nothing is vectorised here but the overlaps: each choice depends on the last.

    Args:
        boxes (Tensor): x1, y1, x2, y2, (N, 4), on the CPU.
        scores (Tensor): (N,).
        dets (Tensor): (N, 5), is filled with the boxes and their new scores, in the order taken.
        iou_threshold (float): Intersection over union from which naive and linear lower a score.
        sigma (float): Width of the gaussian.
        min_score (float): Boxes that fall below are gone.
        method (int): 0 naive, 1 linear, 2 gaussian.
        offset (int): Added to widths and heights, 0 or 1.

    Returns:
        Tensor: Indices of the K boxes that were taken, (K,), int64.
    """
    if not boxes.numel():
        return boxes.new_empty(0, dtype=torch.long)
    factors = _Factors(boxes, iou_threshold, sigma, method, offset)
    ranking = _Ranking(scores, min_score)
    taken = 0
    while taken < ranking.alive:
        ranking.take(taken, factors)
        taken += 1
    order = torch.tensor(ranking.order[:taken])
    dets[:taken, :4] = boxes[order]
    dets[:taken, 4] = torch.tensor(ranking.scores, dtype=dets.dtype)[order]
    return order


class _Factors:
    """By how much each box lowers which others."""

    def __init__(self, boxes: Tensor, threshold: float, sigma: float, method: int, offset: int):
        precise = boxes if boxes.dtype == torch.float64 else boxes.float()
        self.corners = precise.t().contiguous()
        self.threshold, self.sigma, self.method, self.offset = threshold, sigma, method, offset
        if len(boxes) <= ALL_PAIRS:
            row, self.others, self.values = self._find(0, len(boxes))
            self.ends = torch.bincount(row, minlength=len(boxes)).cumsum(0).tolist()

    def of(self, box: int) -> Iterable[tuple[int, float]]:
        """Which boxes one box lowers, and their factors; itself may be among them."""
        if self.corners.size(1) <= ALL_PAIRS:
            part = slice(self.ends[box - 1] if box else 0, self.ends[box])
            return zip(self.others[part].tolist(), self.values[part].tolist())
        _, others, values = self._find(box, box + 1)
        return zip(others.tolist(), values.tolist())

    def _find(self, start: int, end: int) -> tuple[Tensor, Tensor, Tensor]:
        overlaps = pairwise_iou(self.corners[:, start:end], self.corners, self.offset)
        if self.method == GAUSSIAN:
            lowered = overlaps != 0  # NaN, of two boxes without area, spreads as in mmcv
        else:
            lowered = overlaps >= self.threshold
        row, others = lowered.nonzero(as_tuple=True)
        found = overlaps[row, others]
        if self.method == GAUSSIAN:
            exponent = -(found * found) / self.sigma
            # rounded once: as the C library does, and unlike float32's vectorised exp
            return row, others, exponent.double().exp_().to(found.dtype)
        return row, others, 1 - found if self.method == LINEAR else torch.zeros_like(found)


class _Ranking:
    """Scores that fall, and the places of the boxes.

    mmcv swaps the taken box to the front and fills the gap of one that is gone from the end.
    Among equal scores the foremost goes first, so the same is done here.
    """

    def __init__(self, scores: Tensor, min_score: float):
        # an array rounds products to float32 as the compiled operator does
        kind = 'd' if scores.dtype == torch.float64 else 'f'
        self.scores = array(kind, scores.tolist())
        self.min_score = min_score
        self.alive = len(self.scores)
        self.order = list(range(self.alive))  # the box at each place
        self.place = list(range(self.alive))  # the place of each box
        # may hold former scores of a box; those are skipped
        self.heap = [(-score, box) for box, score in enumerate(self.scores) if score == score]
        heapq.heapify(self.heap)

    def take(self, place: int, factors: _Factors) -> None:
        """Move the box of the highest score to a place, and lower the others behind it."""
        self._swap(self._best(place), place)
        gone = set()
        if place == 0:
            gone = {box for box in self.order[1:] if self.scores[box] < self.min_score}
        scores, place_of, alive, heap = self.scores, self.place, self.alive, self.heap
        for box, factor in factors.of(self.order[place]):
            if place < place_of[box] < alive:
                old = scores[box]
                scores[box] = old * factor
                new = scores[box]  # as it was rounded
                if new < self.min_score:
                    gone.add(box)
                elif new < old or new > old:  # a NaN is neither
                    heapq.heappush(heap, (-new, box))
        if gone:
            self._remove(gone)

    def _best(self, place: int) -> int:
        if math.isnan(self.scores[self.order[place]]):
            return self.order[place]  # nothing compares as higher
        equal: list[int] = []
        while self.heap and (not equal or self.heap[0][0] == -self.scores[equal[0]]):
            score, box = heapq.heappop(self.heap)
            if place <= self.place[box] < self.alive and score == -self.scores[box]:
                equal.append(box)
        best = min(equal, key=self.place.__getitem__)
        for box in equal:
            if box != best:
                heapq.heappush(self.heap, (-self.scores[box], box))
        return best

    def _swap(self, box: int, place: int) -> None:
        other, old = self.order[place], self.place[box]
        self.order[old], self.place[other] = other, old
        self.order[place], self.place[box] = box, place

    def _remove(self, gone: set[int]) -> None:
        last = self.alive - 1
        for hole in sorted(self.place[box] for box in gone):
            while last > hole and self.order[last] in gone:
                last -= 1
            if last < hole:
                break
            if last > hole:
                self._swap(self.order[last], hole)
            last -= 1
        self.alive = last + 1
