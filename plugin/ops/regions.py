"""Where RoIAlign samples a map: coordinates, and bilinear weights along each axis.

A sample's weights are a product of one along y and one along x, zero if either coordinate lies off
the map. So are their sums over the samples of a bin: each axis is worked out by itself.

Shapes: ``R`` regions, ``P`` bins along an axis, ``S`` samples in a bin along it, ``K`` cells that
a bin touches along it, ``extent`` cells of the map along it.
"""
from typing import NamedTuple

import torch
from torch import Tensor


class Axis(NamedTuple):
    """Regions along one axis of a map, in cells.

    Attributes:
        start (Tensor): (R,).
        size (Tensor): (R,).
        grid (Tensor): Samples in a bin, (R,), a whole number in floating point.
        bins (int): P.
        extent (int): Cells of the map.
        fixed (int): The same number of samples in all bins; 0 if it depends on the size.
    """

    start: Tensor
    size: Tensor
    grid: Tensor
    bins: int
    extent: int
    fixed: int

    def part(self, which: Tensor | slice) -> 'Axis':
        """Some of the regions."""
        return self._replace(start=self.start[which], size=self.size[which],
                             grid=self.grid[which])


class Regions(NamedTuple):
    """Regions of interest in the coordinates of a map; ``image`` (R,) is int64."""

    image: Tensor
    y: Axis
    x: Axis

    def part(self, which: Tensor | slice) -> 'Regions':
        """Some of the regions."""
        return Regions(self.image[which], self.y.part(which), self.x.part(which))


class Taps(NamedTuple):
    """The cells that the bins touch along one axis, and their weights.

    Attributes:
        cell (Tensor): (R, P, K), int64.
        weight (Tensor): (R, P, K), summed over a bin's samples; zero where a place is unused.
    """

    cell: Tensor
    weight: Tensor


def on_cpu(tensor: Tensor) -> bool:
    """Whether values may be looked at: to ask a GPU for one is to wait until it has done all."""
    return tensor.device.type == 'cpu'


def regions_of(rois: Tensor, shape: torch.Size, bins: tuple[int, int], spatial_scale: float,
               sampling_ratio: int, aligned: bool) -> Regions:
    """Read regions of interest.

    Args:
        rois (Tensor): Index of the image, x1, y1, x2, y2 in pixels, (R, 5).
        shape (torch.Size): Of the maps, (N, C, H, W).
        bins (tuple[int, int]): Bins along y and x.
        spatial_scale (float): Cells of the map per pixel.
        sampling_ratio (int): Samples in a bin along each axis; 0 takes one for each cell.
        aligned (bool): Pixel centres lie at halves; otherwise no region is smaller than a cell.

    Raises:
        RuntimeError: A region ends before it starts (``aligned`` and on the CPU, as in mmcv).
    """
    corners = rois[:, 1:] * spatial_scale - (0.5 if aligned else 0)
    sizes = corners[:, 2:] - corners[:, :2]
    if not aligned:
        sizes = sizes.clamp(min=1)
    elif on_cpu(rois) and not (sizes >= 0).all():
        worst = rois[(sizes >= 0).logical_not().any(1)][0].tolist()
        raise RuntimeError(f'a region of RoIAlign ends before it starts: {worst} '
                           '(image, x1, y1, x2, y2)')

    def axis(place: int, count: int, extent: int) -> Axis:
        size, fixed = sizes[:, place], max(sampling_ratio, 0)
        grid = torch.full_like(size, fixed) if fixed else (size / count).ceil().clamp_(min=0)
        return Axis(corners[:, place], size, grid, count, extent, fixed)

    return Regions(rois[:, 0].long(), axis(1, bins[0], shape[2]), axis(0, bins[1], shape[3]))


def samples(axis: Axis, everywhere: bool = False) -> tuple[Tensor, Tensor]:
    """Coordinates of the samples that can lie on the map.

    Args:
        axis (Axis): The regions.
        everywhere (bool): All samples, also far outside of the map; a GPU is asked how many.

    Returns:
        tuple[Tensor, Tensor]: Coordinates (R, P, S), and whether there is such a sample and it
        counts: those outside of the map do not, if they are more than a cell before it.
    """
    step = (axis.size / axis.bins)[:, None, None]
    grid = axis.grid[:, None, None]
    bins = torch.arange(axis.bins, device=step.device, dtype=step.dtype)
    begin = axis.start[:, None, None] + bins[:, None] * step
    number, from_first = _numbers(axis, everywhere)
    spacing_count = grid.clamp(min=1)
    if not from_first:
        before = ((-1 - begin) / step * spacing_count - 1.5).floor()
        number = number + before.nan_to_num(0, posinf=0, neginf=0).clamp_(min=0)
    # mmcv's order of operations, so that samples at the border lie on the same side
    where = begin + (number + 0.5) * step / spacing_count
    return where, (number < grid) & (where >= -1) & (where <= axis.extent)


def _numbers(axis: Axis, everywhere: bool) -> tuple[Tensor, bool]:
    """Numbers of samples to look at, (S,), and whether they count from the first one of a bin."""
    # where a bin has more than one sample for its size, they are more than half a cell apart
    limit = 2 * (axis.extent + 1) + 4
    count, from_first = axis.fixed or limit, bool(axis.fixed)
    if not axis.fixed and (everywhere or on_cpu(axis.grid)):
        most = int(axis.grid.max())
        count, from_first = (most, True) if everywhere else (min(most, limit), most <= limit)
    return torch.arange(count, device=axis.grid.device, dtype=axis.grid.dtype), from_first


def corners_of(where: Tensor, extent: int) -> tuple[Tensor, Tensor]:
    """The cell before each coordinate, int64, and how far the coordinate lies behind it, [0, 1)."""
    where = where.clamp(0, extent - 1)
    low = where.floor()
    return low.long(), where - low


def taps_of(axis: Axis) -> Taps:
    """Two cells for each sample: K = 2 S, however close the samples are."""
    where, counts = samples(axis)
    low, behind = corners_of(where, axis.extent)
    high = (low + 1).clamp_(max=axis.extent - 1)
    return Taps(torch.cat([low, high], -1),
                torch.cat([(1 - behind) * counts, behind * counts], -1))


def merged_taps(axis: Axis) -> tuple[Taps, Tensor]:
    """The cells from the first to the last that a bin touches.

    Returns:
        tuple[Taps, Tensor]: The taps, and how many of the K places each region needs, (R,).
    """
    where, counts = samples(axis)
    low, behind = corners_of(where, axis.extent)
    first = low[..., :1]
    place = (low - first) * counts
    needs = place.flatten(1).amax(1) + 2
    width = int(needs.max())
    weight = where.new_zeros(*low.shape[:2], width)
    weight.scatter_add_(2, place, (1 - behind) * counts)
    weight.scatter_add_(2, place + 1, behind * counts)
    cell = (first + torch.arange(width)).clamp_(max=axis.extent - 1)
    return Taps(cell, weight), needs


def dense_weights(taps: Taps, extent: int) -> Tensor:
    """Weights of all cells of the map, (R, P, extent)."""
    rows = taps.weight.flatten(0, 1)
    places = torch.arange(len(rows), device=rows.device)[:, None] * extent
    places = places + taps.cell.flatten(0, 1)
    # of one dimension, which can be deterministic on a GPU too
    weights = rows.new_zeros(len(rows) * extent)
    weights.index_add_(0, places.flatten(), rows.flatten())
    return weights.view(*taps.weight.shape[:2], extent)
