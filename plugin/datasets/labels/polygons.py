"""Outlines of instances: polygons, masks and run lengths, and the ways between them."""
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from plugin.utils import UserError

from .run_lengths import compressed

# what COCO calls a segmentation: polygons [x0, y0, x1, y1, ...], or run lengths
Segmentation = list[list[float]] | Mapping[str, Any]
# pycocotools walks along every edge: a point at 1e12 would take all memory
FARTHEST = 1e6
# pixels along all edges of an instance, of which each takes 100 bytes
LONGEST = 5e6


class Instance(NamedTuple):
    """One outlined animal.

    Attributes:
        label (str): Name of its class.
        segmentation (list[list[float]] | dict): COCO segmentation: polygons
            ``[x0, y0, x1, y1, ...]`` in pixels, whose union it is, or an RLE.
        score (float, optional): How sure a prediction is, in 0..1.
        iscrowd (bool): It stands for several animals. Defaults to False.
        extra (dict, optional): What else its COCO annotation says.
    """

    label: str
    segmentation: Segmentation
    score: float | None = None
    iscrowd: bool = False
    extra: Mapping[str, Any] | None = None


def to_rle(segmentation: Segmentation, height: int, width: int) -> dict:
    """Any COCO segmentation as compressed run lengths.

    Args:
        segmentation (list[list[float]] | dict): Polygons ``[x0, y0, x1, y1, ...]`` in pixels,
            uncompressed RLE (``counts`` a list), or compressed RLE (``counts`` str or bytes).
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Returns:
        dict: ``size`` [H, W] and ``counts``, str or bytes, as pycocotools takes it. What lies
        outside the image is left out.

    Raises:
        UserError: If there is no outline, or one that does not fit the image.
    """
    if isinstance(segmentation, Mapping):
        return compressed(segmentation, height, width)
    if not isinstance(segmentation, (list, tuple)):
        raise UserError('the segmentation is no list of polygons: draw the outline again')
    if not segmentation:
        raise UserError('the segmentation is empty: draw the outline or remove the annotation')
    for polygon in segmentation:
        _check_numbers(polygon)
        if len(polygon) < 6 or len(polygon) % 2:
            raise UserError(f'a polygon of {len(polygon)} numbers is no outline: '
                            'give x and y of at least 3 points')
        if not is_near(polygon):
            raise UserError(f'a polygon has the coordinate {max(polygon, key=abs)}, which is no '
                            f'place near an image of {width}x{height}: correct the outline')
    length = sum(map(_length, segmentation))
    if length > LONGEST:
        raise UserError(f'its outline is {length:.3g} pixels long in an image of {width}x{height}: '
                        'draw it again')
    codes = coco_mask.frPyObjects([list(map(float, polygon)) for polygon in segmentation],
                                  height, width)
    return coco_mask.merge(codes)


def to_mask(segmentation: Segmentation, height: int, width: int) -> np.ndarray:
    """Any COCO segmentation as a mask.

    Args:
        segmentation (list[list[float]] | dict): As for :func:`to_rle`.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Returns:
        np.ndarray: (H, W) uint8, 1 where the instance is.

    Raises:
        UserError: If there is no outline, or one that does not fit the image.
    """
    return coco_mask.decode(to_rle(segmentation, height, width))


def mask_to_rle(mask: np.ndarray) -> dict:
    """Run lengths of a mask as JSON can hold them.

    Args:
        mask (np.ndarray): (H, W) of any type, not 0 where the instance is.

    Returns:
        dict: ``size`` [H, W] and compressed ``counts`` as str.
    """
    return readable(coco_mask.encode(np.asfortranarray(mask != 0, dtype=np.uint8)))


def readable(rle: Mapping[str, Any]) -> dict:
    """A compressed RLE with ``counts`` as str, which JSON can hold, and ``size`` as a list."""
    counts = rle['counts']
    return dict(size=list(rle['size']),
                counts=counts.decode('ascii') if isinstance(counts, bytes) else counts)


def crop_to_rle(crop: np.ndarray, left: int, top: int, height: int,
                width: int) -> tuple[dict, int]:
    """Run lengths of a mask of which only a crop was kept.

    Args:
        crop (np.ndarray): (h, w) of any type, not 0 where the instance is.
        left (int): Column of the crop in the image; may be negative.
        top (int): Row of the crop in the image; may be negative.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Returns:
        tuple: The RLE, and the number of its pixels that lay outside the image.
    """
    mask = np.zeros((height, width), np.uint8)
    crop = crop != 0
    inside = crop[max(-top, 0):max(height - top, 0), max(-left, 0):max(width - left, 0)]
    row, column = max(top, 0), max(left, 0)
    # a crop beside the image leaves nothing, whatever its own size
    mask[row:row + inside.shape[0], column:column + inside.shape[1]] = inside
    return mask_to_rle(mask), int(crop.sum()) - int(inside.sum())


def mask_to_polygons(mask: np.ndarray, smallest: int = 1) -> list[list[float]]:
    """Outline every part of a mask.

    A part with a hole is cut through the hole, since a polygon cannot hold one.

    Args:
        mask (np.ndarray): (H, W) of any type, not 0 where the instance is.
        smallest (int): Parts of fewer pixels are left out, holes of fewer filled.

    Returns:
        list[list[float]]: ``[x0, y0, x1, y1, ...]`` of each part, in steps of half a pixel: from
        the near edge of the first pixel to the middle of the last one. LabelMe (Pillow), COCO
        (pycocotools) and ``cv2.fillPoly`` on whole numbers all fill exactly the part's pixels.
    """
    outlines = []
    for piece, left, top in _pieces((mask != 0).astype(np.uint8), 0, 0, smallest):
        double = piece.repeat(2, axis=0).repeat(2, axis=1)
        contours, _ = cv2.findContours(double, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        outlines.append((contours[0][:, 0] / 2 + (left, top)).ravel().tolist())
    return outlines


def has_holes(mask: np.ndarray) -> bool:
    """Whether a part of a mask (H, W), 4-connected, encloses pixels that are not part of it."""
    return any(_first_hole(piece, 0) is not None
               for piece, _, _ in _connected((mask != 0).astype(np.uint8)))


def is_near(polygon: Sequence[float]) -> bool:
    """Whether all coordinates are finite and at most 1e6, whatever integers there are."""
    return (len(polygon) == 0 or min(polygon) >= -FARTHEST and max(polygon) <= FARTHEST
            # NaN passes by what is smallest and largest, but not by a sum
            and math.isfinite(sum(polygon)))


def _check_numbers(polygon: Any) -> None:
    """Stop at what is no list of numbers."""
    if not isinstance(polygon, (list, tuple, np.ndarray)) or not all(
            isinstance(value, (int, float, np.number)) for value in polygon):
        raise UserError('a polygon is no list of numbers x y x y ...: draw the outline again')


def _length(polygon: Sequence[float]) -> float:
    """Steps that pycocotools takes along the edges of a polygon, in pixels."""
    points = np.asarray(polygon, float).reshape(-1, 2)
    return float(np.abs(points - np.roll(points, 1, axis=0)).max(axis=1).sum())


def _connected(mask: np.ndarray) -> list[tuple[np.ndarray, int, int]]:
    """Connected parts of a mask (H, W) uint8, each as a crop with its left and top."""
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    found = []
    for index in range(1, count):
        left, top, width, height = (int(value) for value in boxes[index][:4])
        crop = parts[top:top + height, left:left + width] == index
        found.append((crop.astype(np.uint8), left, top))
    return found


def _first_hole(part: np.ndarray, smallest: int) -> int | None:
    """The middle column of the first hole of a connected part (h, w) uint8, None without one."""
    contours, tree = cv2.findContours(part, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for contour, (_, _, _, parent) in zip(contours, tree[0], strict=True):
        if parent >= 0 and cv2.contourArea(contour) >= smallest:
            left, _, width, _ = cv2.boundingRect(contour)
            return left + width // 2
    return None


def _pieces(mask: np.ndarray, left: int, top: int,
            smallest: int) -> list[tuple[np.ndarray, int, int]]:
    """Connected crops without holes that make up a mask (H, W) uint8, with left and top."""
    found = []
    for part, x, y in _connected(mask):
        if part.sum() < smallest:
            continue
        column = _first_hole(part, smallest)
        if column is None:
            found.append((part, left + x, top + y))
        else:
            found += _pieces(part[:, :column], left + x, top + y, smallest)
            found += _pieces(part[:, column:], left + x + column, top + y, smallest)
    return found
