"""How good pseudo-instances are, where the truth is at hand, for the log."""
from typing import NamedTuple

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from .instances import HALF


class Matched(NamedTuple):
    """Pseudo-instances of a picture against its truth.

    Attributes:
        right (Tensor): Pseudo-instances that are one of the truth, 0-dim.
        found (Tensor): Instances of the truth that are one of them.
        overlap (Tensor): Sum of the mask IoU of those that are right.
    """

    right: Tensor
    found: Tensor
    overlap: Tensor


def match_instances(masks: Tensor, labels: Tensor, true_masks: Tensor,
                    true_labels: Tensor) -> Matched:
    """Compare masks on the same points; two are the same animal from an IoU of a half on.

    An IoU above a half has each mask with one of the other side at most, where those of a side
    do not overlap.

    Args:
        masks (Tensor): (K, P) bool, at P points of the picture.
        labels (Tensor): (K,) int64.
        true_masks (Tensor): (T, P) bool.
        true_labels (Tensor): (T,) int64.

    Example:
        >>> import torch
        >>> found = torch.tensor([[True, True, False], [False, False, True]])
        >>> true = torch.tensor([[True, True, True]])
        >>> right, seen, overlap = match_instances(
        ...     found, torch.tensor([0, 0]), true, torch.tensor([0]))
        >>> right.item(), seen.item(), round(overlap.item(), 4)
        (1, 1, 0.6667)
    """
    if not len(labels) or not len(true_labels):
        zero = labels.new_zeros(())
        return Matched(zero, zero, zero.float())
    ours, theirs = masks.float(), true_masks.float()
    # counts of pixels, which mixed precision would round
    with torch.autocast(ours.device.type, enabled=False):
        common = ours @ theirs.T
    union = ours.sum(1)[:, None] + theirs.sum(1) - common
    overlap = common / union.clamp(min=1) * (labels[:, None] == true_labels)
    best = overlap.amax(1)
    right = best >= HALF
    return Matched(right.sum(), (overlap.amax(0) >= HALF).sum(), (best * right).sum())


class RunningMeans(nn.Module):
    """Sums of the last steps, over all processes, whose quotients are written to the log.

    Args:
        names (Sequence[str]): Of the sums.
        decay (float): What a step keeps of those before it.
    """

    sums: Tensor

    def __init__(self, names: tuple[str, ...], decay: float = 0.95) -> None:
        super().__init__()
        self.names, self.decay = names, decay
        self.register_buffer('sums', torch.zeros(len(names), dtype=torch.float64))

    @torch.no_grad()
    def add(self, **values: Tensor) -> None:
        """Add the sums of a step; one that is not named is 0."""
        new = torch.stack([
            values[name].double().reshape(()) if name in values else self.sums.new_zeros(())
            for name in self.names])
        all_reduce(new)
        self.sums.mul_(self.decay).add_(new)

    def quotient(self, upper: str, lower: str) -> Tensor:
        """One sum over another, 0-dim float32; NaN where nothing was counted."""
        sums = dict(zip(self.names, self.sums, strict=True))
        return (sums[upper] / sums[lower]).float()
