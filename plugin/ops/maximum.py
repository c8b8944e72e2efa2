"""RoIAlign by maxima: the highest sample of each bin."""
import torch
from torch import Tensor

from .regions import Regions, corners_of, samples


def take_maximum(maps: Tensor, regions: Regions, output: Tensor, argmax_y: Tensor,
                 argmax_x: Tensor) -> None:
    """Write maxima into ``output``, (R, C, P_y, P_x), and where they lie; -1 where nowhere.

    With ``sampling_ratio=0`` a GPU is waited for: the number of samples is asked for.
    """
    precise = torch.float64 if maps.dtype == torch.float64 else torch.float32
    rows = maps.permute(0, 2, 3, 1).reshape(-1, maps.size(1)).to(precise)
    grids = torch.stack([regions.y.grid, regions.x.grid], 1)
    kinds = grids[:1] if regions.y.fixed else grids.unique(dim=0)
    for kind in kinds:
        which = (grids == kind).all(1)
        some = regions if regions.y.fixed else regions.part(which)
        results = _of_one_grid(rows, some, maps)
        for target, result in zip((output, argmax_y, argmax_x), results, strict=True):
            moved = result.permute(0, 3, 1, 2).to(target.dtype)
            if regions.y.fixed:
                target.copy_(moved)
            else:
                target[which] = moved


def _of_one_grid(rows: Tensor, regions: Regions, maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Maxima and their coordinates, (R, P_y, P_x, C), of regions with equal numbers of samples."""
    # what mmcv's kernels start from: that is the result where there is no higher sample
    lowest = -10000.0 if maps.device.type == 'cpu' else torch.finfo(torch.float32).min
    shape = (len(regions.image), regions.y.bins, regions.x.bins, rows.size(1))
    best = rows.new_full(shape, lowest)
    best_y, best_x = (rows.new_full(shape, -1) for _ in range(2))
    (y, y_counts), (x, x_counts) = (samples(axis, everywhere=True)
                                          for axis in (regions.y, regions.x))
    for i in range(y.size(2)):
        for j in range(x.size(2)):
            at_y, at_x = y[:, :, None, i], x[:, None, :, j]
            index, weight = _bilinear(at_y, at_x, regions.image[:, None, None], maps.shape)
            counts = y_counts[:, :, None, i] & x_counts[:, None, :, j]
            value = torch.zeros_like(best)
            for cell, share in zip(index, weight, strict=True):
                value += (share * counts)[..., None] * rows[cell]
            higher = value > best
            best = torch.where(higher, value, best)
            best_y = torch.where(higher, at_y[..., None], best_y)
            best_x = torch.where(higher, at_x[..., None], best_x)
    return best, best_y, best_x


def spread_maximum(grad_output: Tensor, image: Tensor, argmax_y: Tensor, argmax_x: Tensor,
                   grad_input: Tensor) -> None:
    """Add the gradient of the maps to ``grad_input``, (N, C, H, W)."""
    precise = torch.float64 if grad_input.dtype == torch.float64 else torch.float32
    channels, height, width = grad_input.shape[1:]
    y, x = argmax_y.to(precise), argmax_x.to(precise)
    outside = (y == -1) | (y < -1) | (y > height) | (x < -1) | (x > width)
    grad = grad_output.to(precise).masked_fill(outside, 0)
    index, weight = _bilinear(y, x, image[:, None, None, None], grad_input.shape)
    channel = torch.arange(channels, device=y.device)[:, None, None]
    total = grad_input.new_zeros(grad_input.numel(), dtype=precise)
    for cell, share in zip(index, weight, strict=True):
        # `cell` counts cells of all images; a map has the channels between image and cell
        within = cell % (height * width)
        place = (image[:, None, None, None] * channels + channel) * height * width + within
        total.index_add_(0, place.flatten(), (grad * share).flatten())
    grad_input += total.view(grad_input.shape)


def _bilinear(y: Tensor, x: Tensor, image: Tensor, shape: torch.Size
              ) -> tuple[list[Tensor], list[Tensor]]:
    """The four cells around each point, counted over all images, and their weights."""
    height, width = shape[2:]
    (top, below), (left, right_of) = corners_of(y, height), corners_of(x, width)
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    cells = [(image * height + row) * width + column
             for row in (top, bottom) for column in (left, right)]
    return cells, [row * column for row in (1 - below, below)
                   for column in (1 - right_of, right_of)]
