"""Where tiles lie along the sides of an image, how much each counts, and what it shows."""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..layers import mirrored_index
from .tiles import tile_starts
from .tiling import Tiling

FittingSize = Callable[[Sequence[int]], Sequence[int]]


class Part(NamedTuple):
    """What a tile contributes along one side of the image.

    Attributes:
        pixels (slice): Where, in the image.
        inside (slice): The same place in the tile.
        weights (Tensor): How much it counts there, from 0 to 1, one for each pixel. Those of all
            tiles sum to one at every pixel.
    """

    pixels: slice
    inside: slice
    weights: Tensor


class Axis(NamedTuple):
    """Tiles along one side of an image.

    Attributes:
        length (int): Side of the image in pixels.
        size (int): Side of what comes out of the network for a tile.
        seen (int): Side of what goes in.
        starts (list[int]): First pixel that goes in, for each tile; below 0 outside the image.
        parts (list[Part]): What comes out of it, for each tile.
    """

    length: int
    size: int
    seen: int
    starts: list[int]
    parts: list[Part]


def plan_axes(size: Sequence[int], tiling: Tiling, *, margin: int = 0,
              fitting_size: FittingSize | None = None,
              device: torch.device | None = None) -> tuple[Axis, Axis]:
    """Lay tiles over an image; one smaller than a tile gets one that is as small as it can be.

    Args:
        size (Sequence[int]): ``(H, W)`` of the image.
        tiling (Tiling): The settings.
        margin (int): Pixels that the network loses on each side. Defaults to 0.
        fitting_size (callable, optional): Of a network with a margin: from ``(h, w)`` to the
            smallest input whose output is at least that large.
        device (torch.device, optional): Of the weights.

    Returns:
        tuple[Axis, Axis]: Along H and along W.
    """
    inside = tiling.border == 'inside'
    step = 1 if inside else tiling.step
    # a margin is context enough; otherwise tiles reach over the border as over each other
    around = not margin and not inside
    reach = [-(-(overlap // 2) // step) * step if around else 0 for overlap in tiling.overlap]
    given = [min(tile, length + 2 * over)
             for tile, length, over in zip(tiling.crop_size, size, reach)]
    seen = fitting_size(given) if margin and fitting_size else [
        side + 2 * margin for side in given]
    rows, columns = (
        _axis(length, shown, overlap, over, margin, step, tiling.blend, device)
        for length, shown, overlap, over in zip(size, seen, tiling.overlap, reach))
    return rows, columns


def _axis(length: int, seen: int, overlap: int, reach: int, margin: int, step: int, blend: str,
          device: torch.device | None) -> Axis:
    # an unpadded network may give more than was asked for
    size = seen - 2 * margin
    # multiples of the step that share at least the overlap, if the tile is long enough
    share = max(min(overlap, size - 1), 0)
    share = size - max((size - share) // step, 1) * step
    starts = tile_starts(length + 2 * reach, size, share)
    starts = sorted({-(-start // step) * step - reach for start in starts})
    kept, parts = [], []
    for start, weights in zip(starts, blend_weights(starts, size, overlap, blend)):
        first, last = max(0, -start), min(size, length - start)
        counted = weights[first:last].nonzero()[:, 0]
        if len(counted):  # a tile may lie over the border as far as it counts
            first, last = first + int(counted[0]), first + int(counted[-1]) + 1
            kept.append(start - margin)
            parts.append(Part(slice(start + first, start + last), slice(first, last),
                              weights[first:last].to(device)))
    return Axis(length, size, seen, kept, parts)


def blend_weights(starts: list[int], size: int, overlap: int, blend: str) -> Tensor:
    """How much each tile counts at each of its pixels, along one side.

    Args:
        starts (list[int]): First pixel of each of the T tiles, increasing.
        size (int): Side of a tile.
        overlap (int): Length of the ramps of ``blend='linear'``.
        blend (str): See ``Tiling``.

    Returns:
        Tensor: (T, size); at every pixel those of the tiles that cover it sum to one.
    """
    place = torch.arange(size)
    depth = 1 + torch.minimum(place, size - 1 - place).float()
    if blend == 'none':
        return _deepest(starts, depth)
    ramp = depth.clamp(max=max(overlap, 1)) if blend == 'linear' else torch.ones(size)
    total = torch.zeros(starts[-1] - starts[0] + size)
    covered = [slice(start - starts[0], start - starts[0] + size) for start in starts]
    for pixels in covered:
        total[pixels] += ramp
    return torch.stack([ramp / total[pixels] for pixels in covered])


def cut_tile(inputs: Tensor, top: int, left: int, height: int, width: int,
             border: str) -> Tensor:
    """Cut a window that may reach over the border, without a padded copy of the image.

    Args:
        inputs (Tensor): (N, channels, H, W).
        top (int): First row of the window, below 0 above the image.
        left (int): First column.
        height (int): Of the window.
        width (int): Of the window.
        border (str): ``'zero'``, otherwise what is outside is mirrored.

    Returns:
        Tensor: (N, channels, height, width), a view where the window lies within the image.
    """
    rows, columns = inputs.shape[2:]
    bottom, right = top + height, left + width
    if top >= 0 and left >= 0 and bottom <= rows and right <= columns:
        return inputs[:, :, top:bottom, left:right]
    if border == 'zero':
        tile = inputs.new_zeros((*inputs.shape[:2], height, width))
        y, x = slice(max(top, 0), min(bottom, rows)), slice(max(left, 0), min(right, columns))
        tile[:, :, y.start - top:y.stop - top, x.start - left:x.stop - left] = inputs[:, :, y, x]
        return tile
    down = mirrored_index(rows, -top, bottom - rows, inputs.device)
    across = mirrored_index(columns, -left, right - columns, inputs.device)
    return inputs[:, :, down[:, None], across]


def _deepest(starts: list[int], depth: Tensor) -> Tensor:
    """One where a tile is the one in which the pixel lies deepest, zero elsewhere."""
    size = len(depth)
    best = torch.zeros(starts[-1] - starts[0] + size)
    owner = torch.zeros(len(best), dtype=torch.long)
    covered = [slice(start - starts[0], start - starts[0] + size) for start in starts]
    for number, pixels in enumerate(covered):
        deeper = depth > best[pixels]
        best[pixels][deeper] = depth[deeper]
        owner[pixels][deeper] = number
    return torch.stack([(owner[pixels] == number).float()
                        for number, pixels in enumerate(covered)])
