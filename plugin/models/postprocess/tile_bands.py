"""Running a network tile by tile, in memory that does not grow with the number of tiles."""
from collections.abc import Callable, Iterator
from itertools import islice, product

import torch
from torch import Tensor

from plugin.utils import UserError

from .tile_axis import Axis, cut_tile


def predict_bands(network: Callable[[Tensor], Tensor], inputs: Tensor, rows: Axis,
                  columns: Axis, *, border: str = 'reflect',
                  batch_size: int | None = None) -> Iterator[Tensor]:
    """Run a network tile by tile.

    Args:
        network (callable): From (B, channels, rows.seen, columns.seen) to logits
            (B, C, rows.size, columns.size).
        inputs (Tensor): N images of one size, (N, channels, H, W). Each place is cut out of
            all of them.
        rows (Axis): Along H.
        columns (Axis): Along W.
        border (str): See ``Tiling``.
        batch_size (int, optional): Tiles B at a time; N, if that is more. See ``Tiling``.

    Yields:
        Tensor: Logits of rows that no other tile covers, (N, C, h, W), float32, from the top to
        the bottom. It is overwritten when the next one is asked for.

    Raises:
        UserError: If the logits are not of that size.
    """
    if batch_size is None:
        # on a CPU the maps of a batch leave the cache, and their memory is fetched anew each time
        batch_size = 1 if inputs.device.type == 'cpu' else 4
    band = _Band(rows, columns)
    places = product(range(len(rows.starts)), range(len(columns.starts)))
    while some := list(islice(places, max(1, batch_size // len(inputs)))):
        tiles = [cut_tile(inputs, rows.starts[row], columns.starts[column], rows.seen,
                          columns.seen, border) for row, column in some]
        logits = network(torch.cat(tiles) if len(tiles) > 1 else tiles[0])
        if tuple(logits.shape[2:]) != (rows.size, columns.size):
            raise UserError(f'a tile of {rows.seen}x{columns.seen} pixels came out as '
                            f'{logits.shape[2]}x{logits.shape[3]} instead of {rows.size}x'
                            f'{columns.size}: give the decode head the margin that it loses')
        for (row, column), part in zip(some, logits.split(len(inputs))):
            if row != band.row:
                yield from band.finish(row)
            band.add(column, part)
        # not to be held while the next tiles go through the network
        del tiles, logits, part
    yield from band.finish(len(rows.starts))


def join_bands(bands: Iterator[Tensor], height: int) -> Tensor:
    """Lay bands (N, C, h, W) below each other: (N, C, height, W)."""
    joined: Tensor | None = None
    first = 0
    for band in bands:
        if joined is None:
            joined = band.new_empty((*band.shape[:2], height, band.shape[3]))
        joined[:, :, first:first + band.shape[2]] = band
        first += band.shape[2]
    assert joined is not None, 'an image has at least one band'
    return joined


class _Band:
    """Sums over the tiles of the rows to which tiles are still to come."""

    def __init__(self, rows: Axis, columns: Axis) -> None:
        self._rows, self._columns = rows, columns
        self.row, self._first = 0, 0
        self._sums: Tensor | None = None

    def add(self, column: int, logits: Tensor) -> None:
        """Add the logits (N, C, h, w) of a tile of the current row."""
        rows, columns = self._rows.parts[self.row], self._columns.parts[column]
        if self._sums is None:
            height = min(self._rows.size, self._rows.length)
            self._sums = torch.zeros((*logits.shape[:2], height, self._columns.length),
                                     device=logits.device)
        place = self._sums[:, :, rows.pixels.start - self._first:rows.pixels.stop - self._first,
                           columns.pixels]
        seen = logits[:, :, rows.inside, columns.inside].float()
        place.addcmul_(seen, rows.weights[:, None] * columns.weights)

    def finish(self, row: int) -> Iterator[Tensor]:
        """Go on to another row of tiles; yields what lies above it."""
        parts = self._rows.parts
        end = parts[row].pixels.start if row < len(parts) else self._rows.length
        done = end - self._first
        if done and self._sums is not None:
            yield self._sums[:, :, :done]
            kept = self._sums.shape[2] - done
            self._sums[:, :, :kept] = self._sums[:, :, done:].clone()
            self._sums[:, :, kept:] = 0
        self.row, self._first = row, end
