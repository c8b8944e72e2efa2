"""Mirrored borders."""

import torch
from torch import Tensor


def mirrored_index(size: int, before: int, after: int,
                   device: torch.device | None = None) -> Tensor:
    """Which pixel stands where on a line that is mirrored at its outermost pixels.

    They are not repeated, as in ``F.pad(mode='reflect')``; unlike there the line may be extended
    by more than its length, and is then mirrored again and again.

    Args:
        size (int): Pixels of the line.
        before (int): Pixels to add before it; negative ones are taken away.
        after (int): Pixels to add behind it.
        device (torch.device, optional): Of the result.

    Returns:
        Tensor: (before + size + after), from 0 to ``size - 1``.
    """
    # 0 1 2 3 2 1 0 1 ...: there and back again is a period
    period = max(2 * (size - 1), 1)
    index = torch.arange(-before, size + after, device=device) % period
    return torch.minimum(index, period - index) if size > 1 else index
