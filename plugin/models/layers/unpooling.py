"""Max pooling that keeps the indices of the maxima, and the unpooling that uses them."""
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from plugin.utils import UserError


class Pooling(NamedTuple):
    """What the decoder needs of a max pooling of N x C maps of H x W.

    Attributes:
        indices (Tensor): (N, C, ceil(H/2), ceil(W/2)) int64, place of each maximum in its map,
            row by row.
        size (tuple[int, int]): ``(H, W)`` before the pooling.
    """

    indices: Tensor
    size: tuple[int, int]


def max_pool(x: Tensor) -> tuple[Tensor, Pooling]:
    """Halve maps, and keep the indices of the maxima of the 2 x 2 windows.

    Args:
        x (Tensor): (N, C, H, W). A last row or column of an odd size is pooled alone.

    Returns:
        tuple[Tensor, Pooling]: (N, C, ceil(H/2), ceil(W/2)), and what undoes it.
    """
    pooled, indices = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
    return pooled, Pooling(indices, (x.shape[2], x.shape[3]))


def max_unpool(x: Tensor, pooling: Pooling) -> Tensor:
    """Put values back to where the maxima were; all other places are 0.

    V. Badrinarayanan, A. Kendall, R. Cipolla, `SegNet <https://arxiv.org/abs/1511.00561>`_,
    section 3 and figure 3.

    Args:
        x (Tensor): (N, C, h, w), of the shape that :func:`max_pool` returned.
        pooling (Pooling): What it left behind.

    Returns:
        Tensor: (N, C, H, W), of exactly the size before the pooling.

    Raises:
        UserError: If the shapes differ.

    Example:
        >>> import torch
        >>> pooled, pooling = max_pool(torch.tensor([[[[1., 5.], [2., 3.]]]]))
        >>> max_unpool(pooled, pooling).tolist()
        [[[[0.0, 5.0], [0.0, 0.0]]]]
    """
    if x.shape != pooling.indices.shape:
        raise UserError(
            f'maps of the shape {tuple(x.shape)} cannot be unpooled with indices of the shape '
            f'{tuple(pooling.indices.shape)}: give each stage of the decoder as many maps as the '
            'encoder has at that pooling')
    if torch.are_deterministic_algorithms_enabled():
        # max_unpool2d refuses this mode because windows may overlap; these do not, so no two values
        # have the same index
        empty = x.new_zeros(*x.shape[:2], pooling.size[0] * pooling.size[1])
        return empty.scatter(2, pooling.indices.flatten(2), x.flatten(2)).unflatten(
            2, pooling.size)
    return F.max_unpool2d(x, pooling.indices, (2, 2), (2, 2), output_size=pooling.size)
