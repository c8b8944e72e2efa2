"""Large images in tiles: where the tiles lie, and which detections are one instance."""
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from plugin.utils import UserError

from .detection import Detection

# masks of a network end a few pixels before the border that cuts the instance
NEAR_BORDER = 4


class Tile(NamedTuple):
    """A part of an image: pixels ``[top:bottom, left:right]``."""

    left: int
    top: int
    right: int
    bottom: int


def check_tiling(tile: int, overlap: int) -> None:
    """Raise ``ValueError`` unless tiles of this size can overlap by so much.

    Args:
        tile (int): Side of a tile in pixels.
        overlap (int): What neighbours share, in pixels.
    """
    if tile < 2:
        raise UserError(f'a tile of {tile} pixels is too small: give at least 2')
    if not 1 <= overlap < tile:
        raise UserError(f'an overlap of {overlap} pixels does not fit tiles of {tile}: give 1 to '
                        f'{tile - 1}, best the width of an animal, since animals are recognised '
                        'across a seam by what both tiles see')


def tile_grid(height: int, width: int, tile: int, overlap: int) -> list[Tile]:
    """Cover an image with overlapping tiles.

    The last tile of a row or column is moved inwards, so that every tile has the full size
    where the image allows it; it then shares more than ``overlap`` with its neighbour.

    Args:
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.
        tile (int): Side of a tile in pixels.
        overlap (int): Pixels that neighbours share at least.

    Returns:
        list[Tile]: Row by row, from the left.

    Raises:
        UserError: If the image is empty or the overlap does not fit the tile.
    """
    check_tiling(tile, overlap)
    if min(height, width) < 1:
        raise UserError(f'an image of {width}x{height} pixels has no tiles: it is empty')
    return [Tile(left, top, min(left + tile, width), min(top + tile, height))
            for top in tile_starts(height, tile, overlap)
            for left in tile_starts(width, tile, overlap)]


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along a side: those of :func:`tile_grid`, and of MMSegmentation's slide.

    Args:
        length (int): Side of the image in pixels.
        tile (int): Side of a tile in pixels.
        overlap (int): Pixels that neighbours share at least, below ``tile``.

    Returns:
        list[int]: Increasing, from 0. Only the first one if the tile is as long as the image.
    """
    last = max(length - tile, 0)
    return [*range(0, last, tile - overlap), last]


def join_tiles(tiles: Sequence[Tile], found: Sequence[Sequence[Detection]],
               agreement: float = 0.5) -> list[Detection]:
    """Make one instance of what several tiles see of it.

    Two detections of the same class in two tiles are one instance if their masks agree in the
    region that both tiles see: the intersection there covers at least ``agreement`` of the
    smaller one, and one of them has no better partner (by IoU there) in the other tile. That
    goes on over any number of tiles. Detections of the same tile are parts of one instance only
    if the tile's border cuts every one of them: instances that a tile sees whole stay apart, even
    if a neighbour took them for one. What agrees with nothing stays as it is.

    Args:
        tiles (Sequence[Tile]): T tiles that cover the image.
        found (Sequence[Sequence[Detection]]): The detections of each tile, in places of the
            image.
        agreement (float): Share of the smaller part that has to be common, above 0, up to 1.

    Returns:
        list[Detection]: The instances, the surest first. The mask of each is the union of its
        parts; its score is the highest of them, as that is the tile that saw it best.

    Raises:
        UserError: If not every tile has its detections, or ``agreement`` is out of range.
    """
    if len(tiles) != len(found):
        raise UserError(f'{len(found)} lists of detections for {len(tiles)} tiles: '
                        'give one a tile, an empty one where nothing was found')
    if not 0 < agreement <= 1:
        raise UserError(f'agreement={agreement} is out of range: give a share above 0, up to 1')
    pieces = [piece for part in found for piece in part]
    owners = [number for number, part in enumerate(found) for _ in part]
    right, bottom = (max((tile[side] for tile in tiles), default=0) for side in (2, 3))
    cut = [_is_cut(piece, tiles[owner], right, bottom)
           for piece, owner in zip(pieces, owners, strict=True)]
    groups = _group(owners, cut, _links(tiles, found, agreement))
    joined = [_union([pieces[index] for index in group]) for group in groups]
    return sorted(joined, key=lambda instance: -instance.score)


def _is_cut(piece: Detection, tile: Tile, right: int, bottom: int) -> bool:
    """Whether a piece may go on beyond its tile, in an image that ends at right and bottom."""
    left, top, width, height = piece.box
    return (tile.left > 0 and left < tile.left + NEAR_BORDER
            or tile.top > 0 and top < tile.top + NEAR_BORDER
            or tile.right < right and left + width > tile.right - NEAR_BORDER
            or tile.bottom < bottom and top + height > tile.bottom - NEAR_BORDER)


def _links(tiles: Sequence[Tile], found: Sequence[Sequence[Detection]],
           agreement: float) -> list[tuple[int, int]]:
    """Numbers of pieces that agree, those with the highest IoU first."""
    first = np.cumsum([0] + [len(part) for part in found]).tolist()
    links = []
    for one, two in combinations(range(len(tiles)), 2):
        shared = _intersect(tiles[one], tiles[two])
        if _is_empty(shared):
            continue
        for iou, index, other in _agreeing(found[one], found[two], shared, agreement):
            links.append((-iou, first[one] + index, first[two] + other))
    return [(index, other) for _, index, other in sorted(links)]


def _agreeing(one: Sequence[Detection], two: Sequence[Detection], shared: Tile,
              agreement: float) -> Iterator[tuple[float, int, int]]:
    """IoU and places of the pairs of two tiles that agree in the region both see."""
    mine, others = _seen(one, shared), _seen(two, shared)
    if not mine or not others:
        return
    common = np.array([[_common(one[i], two[j], shared) for j in others] for i in mine], float)
    areas, other_areas = np.array([*mine.values()]), np.array([*others.values()])
    iou = common / (np.add.outer(areas, other_areas) - common)
    best = (iou == iou.max(axis=1, keepdims=True)) | (iou == iou.max(axis=0, keepdims=True))
    agrees = common >= agreement * np.minimum.outer(areas, other_areas)
    rows, columns = list(mine), list(others)
    for row, column in zip(*np.nonzero(best & agrees), strict=True):
        yield float(iou[row, column]), rows[row], columns[column]


def _seen(pieces: Sequence[Detection], region: Tile) -> dict:
    """Pixels in a region of each piece that has some there, by its place in the list."""
    areas = {index: int(np.count_nonzero(_window(piece, region)))
             for index, piece in enumerate(pieces)
             if not _is_empty(_intersect(_extent(piece), region))}
    return {index: area for index, area in areas.items() if area}


def _common(one: Detection, two: Detection, region: Tile) -> int:
    """Pixels that two pieces of the same class share within a region."""
    both = _intersect(_intersect(_extent(one), _extent(two)), region)
    if one.label != two.label or _is_empty(both):
        return 0
    return int(np.count_nonzero(_window(one, both) & _window(two, both)))


def _window(piece: Detection, region: Tile) -> np.ndarray:
    """The part of a mask that lies in a region."""
    rows = slice(max(region.top - piece.top, 0), max(region.bottom - piece.top, 0))
    return piece.mask[rows, max(region.left - piece.left, 0):max(region.right - piece.left, 0)]


def _extent(piece: Detection) -> Tile:
    left, top, width, height = piece.box
    return Tile(left, top, left + width, top + height)


def _intersect(one: Tile, two: Tile) -> Tile:
    return Tile(max(one.left, two.left), max(one.top, two.top),
                min(one.right, two.right), min(one.bottom, two.bottom))


def _is_empty(region: Tile) -> bool:
    return region.left >= region.right or region.top >= region.bottom


def _group(owners: Sequence[int], cut: Sequence[bool],
           links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Numbers of the pieces that make up each instance."""
    groups = [[number] for number in range(len(owners))]
    for index, other in links:
        one, two = groups[index], groups[other]
        apart = any(owners[i] == owners[j] and not (cut[i] and cut[j]) for i in one for j in two)
        if one is two or apart:
            continue
        one += two
        for number in two:
            groups[number] = one
    return list({id(group): group for group in groups}.values())


def _union(pieces: Sequence[Detection]) -> Detection:
    if len(pieces) == 1:
        return pieces[0]
    extents = [_extent(piece) for piece in pieces]
    left, top = min(e.left for e in extents), min(e.top for e in extents)
    mask = np.zeros((max(e.bottom for e in extents) - top, max(e.right for e in extents) - left),
                    bool)
    for piece, extent in zip(pieces, extents, strict=True):
        mask[extent.top - top:extent.bottom - top,
             extent.left - left:extent.right - left] |= piece.mask
    return Detection(pieces[0].label, max(piece.score for piece in pieces), left, top, mask)
