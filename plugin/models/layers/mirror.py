"""Indices of pixels beyond the border of an image, mirrored."""

import torch
from torch import Tensor


def mirrored_index(size: int, before: int, after: int,
                   device: torch.device | None = None) -> Tensor:
    """Indices of the pixels of a line that is mirrored at its outermost pixels.

    As with ``F.pad(mode='reflect')`` the outermost pixels are not repeated; unlike there the line
    may be extended by more than its length, and is then mirrored several times.

    Args:
        size (int): Pixels of the line.
        before (int): Pixels to add before it; negative ones are taken away.
        after (int): Pixels to add behind it.
        device (torch.device, optional): Of the result.

    Returns:
        Tensor: (before + size + after) int64, from 0 to ``size - 1``.

    Example:
        >>> mirrored_index(4, before=2, after=3).tolist()
        [2, 1, 0, 1, 2, 3, 2, 1, 0]
    """
    # 0 1 2 3 2 1 0 1 ...: the period is twice the length without the ends
    period = max(2 * (size - 1), 1)
    index = torch.arange(-before, size + after, device=device) % period
    return torch.minimum(index, period - index) if size > 1 else index
