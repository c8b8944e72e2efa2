"""Resampling of maps whose positions lie on the centres of pixels."""
from collections.abc import Sequence
from fractions import Fraction

import torch.nn.functional as F
from torch import Tensor

from plugin.utils import UserError


def resample_aligned(maps: Tensor, step: Fraction | float, size: Sequence[int]) -> Tensor:
    """Interpolate at the positions ``0, step, 2 * step, ...`` of both axes.

    A network of odd, centred kernels and total stride ``s`` puts its position ``i`` on pixel
    ``s * i``. ``step=Fraction(1, s)`` brings such maps to the pixels exactly, for every size;
    stretching them to the image (``align_corners=True``) does so only where the size is a
    multiple of ``s`` plus one. It is what the layer ``Interp`` of Caffe-DeepLab does for
    ``zoom_factor / shrink_factor = 1 / step``.

    Args:
        maps (Tensor): (N, C, h, w).
        step (Fraction | float): Distance of two results, in positions of ``maps``; taken as the
            nearest fraction with a denominator up to 100.
        size (Sequence[int]): ``(H, W)`` of the result.

    Returns:
        Tensor: (N, C, H, W) with ``result[..., y, x]`` the bilinear interpolation of ``maps`` at
        ``(y * step, x * step)``. Beyond the last position the border is repeated.

    Raises:
        UserError: If ``step`` is not positive.

    Example:
        >>> import torch
        >>> maps = torch.tensor([[[[0., 8.]]]])  # two positions at stride 4
        >>> resample_aligned(maps, Fraction(1, 4), (1, 6)).flatten().tolist()
        [0.0, 2.0, 4.0, 6.0, 8.0, 8.0]
    """
    step = Fraction(step).limit_denominator(100)
    if step <= 0:
        raise UserError(f'step={step} is no distance: give one above 0')
    # each axis is `times` spans long, a span being numerator positions in, denominator out
    times = [-(-(extent - 1) // step.denominator) for extent in size]
    inside = [step.numerator * count + 1 for count in times]
    outside = [step.denominator * count + 1 for count in times]
    height, width = maps.shape[2:]
    maps = maps[:, :, :inside[0], :inside[1]]
    missing = [max(0, inside[0] - height), max(0, inside[1] - width)]
    if any(missing):
        maps = F.pad(maps, (0, missing[1], 0, missing[0]), mode='replicate')
    result = F.interpolate(maps, outside, mode='bilinear', align_corners=True)
    return result[:, :, :size[0], :size[1]]
