"""RoIAlign by averages: a sparse matrix with the maps on the right, and its transpose.

Three ways to multiply, of which the cheapest is taken:

- *bags*: a bin is a weighted sum of rows of the (cells, channels) matrix;
- *lines*, for few channels: along y a weighted sum of lines of the maps, along x a product with a
  dense matrix;
- *dense*, where the number of samples depends on the region and asking for it would mean to wait
  for a GPU: a product with a dense matrix along both axes.
"""
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from .regions import Regions, Taps, dense_weights, merged_taps, on_cpu, taps_of

# channels below which a bag's rows are too short to be worth their indices
FEW_CHANNELS = 8
# numbers that are worked on at a time, forwards and backwards
CPU_NUMBERS, CPU_ENTRIES = 1 << 22, 1 << 20
GPU_NUMBERS, GPU_ENTRIES = 1 << 25, 1 << 25
# regions whose bins touch about as many cells share a matrix of indices
WIDTHS = torch.tensor([3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512])


def take_average(maps: Tensor, regions: Regions, output: Tensor) -> None:
    """Write the averages of the regions' bins into ``output``, (R, C, P_y, P_x)."""
    precise = _precise(maps)
    if _is_dense(regions):
        numbers = maps[0].numel() * 2
        for part in _split(len(regions.image), numbers, GPU_NUMBERS):
            some = regions.part(part)
            y, x = _dense(some)
            pooled = y[:, None] @ maps[some.image].to(precise) @ x[:, None].mT
            output[part] = pooled.to(output.dtype)
    elif maps.size(1) < FEW_CHANNELS:
        lines = maps.reshape(-1, maps.size(3)).to(precise)
        for part, index, weight, x in _lines(regions, maps.shape):
            along_y = F.embedding_bag(index, lines, mode='sum', per_sample_weights=weight)
            pooled = along_y.view(len(x), -1, x.size(2)) @ x.mT
            output[part] = pooled.view(output[part].shape).to(output.dtype)
    else:
        rows = maps.permute(0, 2, 3, 1).reshape(-1, maps.size(1)).to(precise)
        for which, index, weight in _bags(regions, maps.shape, forwards=True):
            bins = F.embedding_bag(index, rows, mode='sum', per_sample_weights=weight)
            shape = (-1, *output.shape[2:], output.size(1))
            output[which] = bins.view(shape).permute(0, 3, 1, 2).to(output.dtype)


def spread_average(grad_output: Tensor, regions: Regions, grad_input: Tensor) -> None:
    """Add the gradient of the maps to ``grad_input``, (N, C, H, W)."""
    precise = _precise(grad_input)
    shape = grad_input.shape
    if _is_dense(regions):
        total = grad_input.new_zeros(shape, dtype=precise)
        for part in _split(len(regions.image), grad_input[0].numel() * 2, GPU_NUMBERS):
            some = regions.part(part)
            y, x = _dense(some)
            spread = y[:, None].mT @ grad_output[part].to(precise) @ x[:, None]
            total.index_add_(0, some.image, spread)
        grad_input += total
    elif grad_input.size(1) < FEW_CHANNELS:
        lines = grad_input.new_zeros(grad_input.numel() // shape[3], shape[3], dtype=precise)
        for part, index, weight, x in _lines(regions, shape):
            grad = grad_output[part].to(precise)
            along_x = grad.reshape(len(x), -1, x.size(1)) @ x
            lines += _transposed_bag(along_x.view(-1, shape[3]), index, weight, len(lines))
        grad_input += lines.view(shape)
    else:
        rows = grad_input.new_zeros(grad_input.numel() // shape[1], shape[1], dtype=precise)
        for which, index, weight in _bags(regions, shape, forwards=False):
            grad = grad_output[which].permute(0, 2, 3, 1).reshape(-1, shape[1]).to(precise)
            rows += _transposed_bag(grad, index, weight, len(rows))
        grad_input += rows.view(shape[0], *shape[2:], shape[1]).permute(0, 3, 1, 2)


def _transposed_bag(grad: Tensor, index: Tensor, weight: Tensor, cells: int) -> Tensor:
    """Gradient of the rows of an ``embedding_bag``, which sums in a fixed order.

    Args:
        grad (Tensor): Of the bags, (B, C).
        index (Tensor): Rows of the bags, (B, K).
        weight (Tensor): Their weights, (B, K).
        cells (int): Number of rows.

    Returns:
        Tensor: (cells, C).
    """
    cell, entry = index.view(-1).sort()
    starts = torch.searchsorted(cell, torch.arange(cells, device=cell.device, dtype=cell.dtype))
    bag = entry.div(index.size(1), rounding_mode='floor')
    return F.embedding_bag(bag, grad, starts, mode='sum',
                           per_sample_weights=weight.view(-1)[entry])


def _bags(regions: Regions, shape: torch.Size, forwards: bool
          ) -> Iterator[tuple[Tensor | slice, Tensor, Tensor]]:
    """Rows of the (cells, channels) matrix for each bin.

    Yields:
        Which regions, the rows (bins, K) and their weights (bins, K).
    """
    bins = regions.y.bins * regions.x.bins
    for which, y, x in _taps(regions):
        image = regions.image[which]
        count = (regions.y.grid * regions.x.grid)[which].clamp(min=1)
        y_cell = (image[:, None, None] * shape[2] + y.cell) * shape[3]
        y_weight = y.weight / count[:, None, None]
        taps = y.cell.size(2) * x.cell.size(2)
        if forwards:
            numbers, most = bins * max(shape[1], taps), _most(regions, CPU_NUMBERS, GPU_NUMBERS)
        else:
            numbers, most = bins * taps, _most(regions, CPU_ENTRIES, GPU_ENTRIES)
        dtype = torch.int32 if shape[0] * shape[2] * shape[3] < 2 ** 31 else torch.int64
        y_cell, x_cell = y_cell.to(dtype), x.cell.to(dtype)
        for part in _split(len(image), numbers, most):
            index = y_cell[part, :, None, :, None] + x_cell[part, None, :, None, :]
            weight = y_weight[part, :, None, :, None] * x.weight[part, None, :, None, :]
            chosen = part if isinstance(which, slice) else which[part]
            yield chosen, index.view(-1, taps), weight.view(-1, taps)


def _taps(regions: Regions) -> Iterator[tuple[Tensor | slice, Taps, Taps]]:
    """Taps along both axes, of regions whose bins touch about as many cells."""
    fixed = regions.y.fixed
    everything = slice(None)
    if not on_cpu(regions.image):
        yield everything, taps_of(regions.y), taps_of(regions.x)
        return
    y, y_needs = merged_taps(regions.y)
    x, x_needs = merged_taps(regions.x)
    bucket = torch.bucketize(torch.maximum(y_needs, x_needs), WIDTHS)
    for number in bucket.unique():
        which = (bucket == number).nonzero()[:, 0]
        which_or_all = everything if len(which) == len(bucket) else which
        width = int(torch.maximum(y_needs[which], x_needs[which]).max())
        if fixed and width > 2 * fixed:
            some = regions.part(which_or_all)
            yield which_or_all, taps_of(some.y), taps_of(some.x)
        else:
            yield (which_or_all, Taps(*(part[which_or_all, :, :width] for part in y)),
                   Taps(*(part[which_or_all, :, :width] for part in x)))


def _lines(regions: Regions, shape: torch.Size
           ) -> Iterator[tuple[slice, Tensor, Tensor, Tensor]]:
    """Lines of the maps, (N * C * H, W), for each row of bins.

    Yields:
        Which regions, the lines (regions * C * P_y, K), their weights, and the dense weights
        along x, (regions, P_x, W).
    """
    y = merged_taps(regions.y)[0] if on_cpu(regions.image) else taps_of(regions.y)
    x = taps_of(regions.x)
    count = (regions.y.grid * regions.x.grid).clamp(min=1)
    channels = torch.arange(shape[1], device=count.device)
    line = (regions.image[:, None] * shape[1] + channels)[:, :, None, None] * shape[2]
    numbers = max(shape[1] * regions.y.bins, regions.x.bins) * shape[3]
    for part in _split(len(count), numbers, _most(regions, CPU_NUMBERS, GPU_NUMBERS)):
        index = line[part] + y.cell[part, None]
        weight = (y.weight[part, None] / count[part, None, None, None]).expand(index.shape)
        taps = index.size(3)
        yield (part, index.reshape(-1, taps), weight.reshape(-1, taps),
               dense_weights(Taps(x.cell[part], x.weight[part]), shape[3]))


def _dense(regions: Regions) -> tuple[Tensor, Tensor]:
    """Weights of all cells along y, (R, P_y, H), and x, (R, P_x, W)."""
    count = (regions.y.grid * regions.x.grid).clamp(min=1)
    y = dense_weights(taps_of(regions.y), regions.y.extent)
    return y / count[:, None, None], dense_weights(taps_of(regions.x), regions.x.extent)


def _is_dense(regions: Regions) -> bool:
    return not on_cpu(regions.image) and not regions.y.fixed


def _most(regions: Regions, cpu: int, gpu: int) -> int:
    return cpu if on_cpu(regions.image) else gpu


def _split(count: int, numbers: int, most: int) -> Iterator[slice]:
    """Slices of ``count`` regions with so many numbers each, ``most`` at a time."""
    size = max(most // numbers, 1)
    for start in range(0, count, size):
        yield slice(start, start + size)


def _precise(maps: Tensor) -> torch.dtype:
    return torch.float64 if maps.dtype == torch.float64 else torch.float32
