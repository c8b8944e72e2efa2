"""Geometry whose sizes stay unknown while a network is traced.

While PyTorch traces a network, sizes are tensors of one number. Whatever turns them into Python's
numbers (``int``, ``max``, an ``if``) would fix the size of the graph to that of the example. The
functions here do the same as those of the network without that; outside of a trace they take
numbers.
"""
import contextlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

# while a network is traced it is a tensor of one number, which PyTorch's annotations do not know
Size = int


@contextlib.contextmanager
def untraced() -> Iterator[None]:
    """Leave what an operator does inside out of the trace."""
    state = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)  # type: ignore[attr-defined]  # the stubs forget it
    try:
        yield
    finally:
        torch._C._set_tracing_state(state)  # type: ignore[attr-defined]


def smaller(one: Size, other: Size) -> Size:
    """The minimum of two sizes."""
    if isinstance(one, Tensor) or isinstance(other, Tensor):
        return cast(Size, torch.minimum(torch.as_tensor(one), torch.as_tensor(other)))
    return min(one, other)


def at_least(size: Size, least: int) -> Size:
    """``size``, or ``least`` if it is smaller."""
    if isinstance(size, Tensor):
        return cast(Size, size.clamp(min=least))
    return max(size, least)


def missing_to(size: Size, step: int) -> Size:
    """What has to be added to a size to make it a multiple of ``step``."""
    return (step - size % step) % step


def resample_aligned(maps: Tensor, step: Fraction | float, size: Sequence[Size]) -> Tensor:
    """Interpolate as :func:`plugin.models.layers.resample_aligned`.

    Args:
        maps (Tensor): (N, C, h, w).
        step (Fraction | float): Distance of two results, in positions of ``maps``.
        size (Sequence[int | Tensor]): ``(H, W)`` of the result.

    Returns:
        Tensor: (N, C, H, W).
    """
    step = Fraction(step).limit_denominator(100)
    times = [(extent + step.denominator - 2) // step.denominator for extent in size]
    inside = [step.numerator * count + 1 for count in times]
    outside = [step.denominator * count + 1 for count in times]
    below, right = (at_least(end - extent, 0) for end, extent in zip(inside, maps.shape[2:]))
    maps = F.pad(maps[:, :, :inside[0], :inside[1]], (0, right, 0, below), mode='replicate')
    result = F.interpolate(maps, outside, mode='bilinear', align_corners=True)
    return result[:, :, :size[0], :size[1]]


def pooling_weights(bins: int, extent: Size, like: Tensor) -> Tensor:
    """Adaptive average pooling of a line, as a matrix.

    Bin ``i`` is the mean from ``floor(i * extent / bins)`` to ``ceil((i + 1) * extent / bins)``,
    without its end, as PyTorch's adaptive pooling has it.

    Args:
        bins (int): Number of bins.
        extent (int | Tensor): Length of the line.
        like (Tensor): Gives the result its type and device.

    Returns:
        Tensor: (bins, extent); each row sums to one.
    """
    number = torch.arange(bins, device=like.device)[:, None]
    start, end = number * extent // bins, ((number + 1) * extent + bins - 1) // bins
    place = torch.arange(extent, device=like.device)[None]
    inside = (place >= start) & (place < end)
    return inside.to(like.dtype) / (end - start).to(like.dtype)


def mirrored_index(extent: Size, before: int, length: Size, device: torch.device) -> Tensor:
    """Which pixel stands where on a line mirrored at its outermost pixels.

    Args:
        extent (int | Tensor): Pixels of the line.
        before (int): Pixels to add before it.
        length (int | Tensor): Of the result.
        device (torch.device): Of the result.

    Returns:
        Tensor: (length), as of :func:`plugin.models.layers.mirrored_index`.
    """
    period = at_least(2 * (extent - 1), 1)
    index = (torch.arange(length, device=device) - before) % period
    return torch.minimum(index, period - index)


def shifted_window_mask(height: Size, width: Size, window: int, shift: int,
                        device: torch.device) -> Tensor:
    """Which pixels of a shifted window must not see each other.

    Z. Liu et al., `Swin Transformer <https://arxiv.org/abs/2103.14030>`_, section 3.2 and
    figure 4: after the cyclic shift a window may hold pixels of up to four parts of the map.

    Args:
        height (int | Tensor): Of the map, a multiple of ``window``.
        width (int | Tensor): The same.
        window (int): Side of a window.
        shift (int): Of the map, in pixels.
        device (torch.device): Of the result.

    Returns:
        Tensor: (windows, window^2, window^2), -100 where both pixels belong to different parts.
    """
    rows, columns = (
        ((place >= extent - window).long() + (place >= extent - shift).long()).view(-1, window)
        for extent, place in ((side, torch.arange(side, device=device))
                              for side in (height, width)))
    part = 3 * rows[:, None, :, None] + columns[None, :, None, :]
    part = part.reshape(-1, window * window)
    return -100. * (part[:, None] != part[:, :, None]).float()


def max_pool(x: Tensor) -> tuple[Tensor, Tensor, tuple[Size, Size]]:
    """Halve maps as :func:`plugin.models.layers.max_pool`.

    Args:
        x (Tensor): (N, C, H, W).

    Returns:
        tuple: The maxima (N, C, ceil(H/2), ceil(W/2)), their places in the maps, and ``(H, W)``.
    """
    pooled, places = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
    return pooled, places, (x.shape[2], x.shape[3])


def max_unpool(x: Tensor, places: Tensor, size: tuple[Size, Size]) -> Tensor:
    """Put values back to where the maxima were, as :func:`plugin.models.layers.max_unpool`.

    Args:
        x (Tensor): (N, C, h, w).
        places (Tensor): (N, C, h, w), of :func:`max_pool`.
        size (tuple): ``(H, W)`` before the pooling.

    Returns:
        Tensor: (N, C, H, W), 0 at all other places.
    """
    empty = x.new_zeros(x.shape[0], x.shape[1], size[0] * size[1])
    filled = empty.scatter(2, places.flatten(2), x.flatten(2))
    return filled.view(x.shape[0], x.shape[1], size[0], size[1])
