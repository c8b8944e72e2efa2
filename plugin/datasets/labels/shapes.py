"""What people draw around animals, and how it is mended."""
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely

from plugin.utils import UserError

from .polygons import FARTHEST, readable, to_rle
from .tangles import CROSSINGS, kind_of

# what happened, to which shape, and why; see coco_builder.ACTIONS
Report = Callable[[str, str, str], None]
# an outline may leave the true circle or ellipse by this many pixels
SAGITTA = 0.05
# what make_valid and clipping leave of an edge by rounding, in square pixels
CRUMB = 1e-6
# polygons of one instance; each is compared with all others
PARTS = 1000


class Shape(NamedTuple):
    """One thing that was drawn.

    Attributes:
        label (str): Its class as it was written.
        outline (list[float] | dict): One polygon ``[x0, y0, x1, y1, ...]`` in pixels, or an RLE
            of the whole image.
        group (hashable, optional): Shapes of one class and group are one instance.
        name (str): How messages call it, e.g. ``shape 3``.
        iscrowd (bool): It stands for several animals. Defaults to False.
        extra (dict, optional): What else its COCO annotation says.
        fault (str): Why it is no outline of an animal, '' if it is one. What is known of its area
            becomes a region to ignore.
    """

    label: str
    outline: list[float] | Mapping[str, Any]
    group: Any = None
    name: str = ''
    iscrowd: bool = False
    extra: Mapping[str, Any] | None = None
    fault: str = ''


class PolygonPart(NamedTuple):
    """A polygon that lies in the image.

    Attributes:
        name (str): Of the shape it comes from.
        ring (list[float]): Its outer outline ``[x0, y0, x1, y1, ...]``.
        polygon (shapely.Polygon): The same with its holes.
    """

    name: str
    ring: list[float]
    polygon: shapely.Polygon


class MaskPart(NamedTuple):
    """A mask of the image.

    Attributes:
        name (str): Of the shape it comes from.
        rle (Mapping): Its run lengths.
    """

    name: str
    rle: Mapping[str, Any]


def label_key(label: str) -> str:
    """What labels have in common that differ only in case, outer spaces or Unicode form."""
    return unicodedata.normalize('NFC', label).strip().casefold()


def box_ring(left: float, top: float, right: float, bottom: float) -> list[float]:
    """Corners of a rectangle as a polygon, clockwise from the first."""
    return [left, top, right, top, right, bottom, left, bottom]


def ellipse_ring(x: float, y: float, radius_x: float, radius_y: float,
                 turn: float = 0.0) -> list[float]:
    """An ellipse as a polygon that leaves it by no more than 0.05 pixels.

    Args:
        x, y (float): Its centre in pixels.
        radius_x, radius_y (float): Its half axes in pixels.
        turn (float): Turn about the centre in radians, clockwise on the screen.

    Returns:
        list[float]: ``[x0, y0, x1, y1, ...]``, at least 16 corners.

    Raises:
        UserError: If a value is not finite.
    """
    if not np.isfinite([x, y, radius_x, radius_y, turn]).all():
        raise UserError('a coordinate is not a number')
    largest = max(abs(radius_x), abs(radius_y))
    # sagitta of a chord over the angle 2 pi / n: about r (pi / n)^2 / 2
    corners = max(16, int(np.ceil(np.pi * np.sqrt(min(largest, FARTHEST) / 2 / SAGITTA))))
    angle = 2 * np.pi * np.arange(corners) / corners
    points = np.stack([radius_x * np.cos(angle), radius_y * np.sin(angle)], 1)
    return turned((points + (x, y)).ravel().tolist(), x, y, turn)


def turned(ring: Sequence[float], x: float, y: float, turn: float) -> list[float]:
    """A polygon turned about (x, y) by ``turn`` radians, clockwise on the screen."""
    if turn == 0:
        return list(ring)
    offset = np.asarray(ring, float).reshape(-1, 2) - (x, y)
    sine, cosine = np.sin(turn), np.cos(turn)
    # y points down, so that the usual matrix turns clockwise
    return (offset @ [[cosine, sine], [-sine, cosine]] + (x, y)).ravel().tolist()


def mend(shape: Shape, height: int, width: int, report: Report) -> list[PolygonPart | MaskPart]:
    """The parts of a shape that lie in the image.

    Filled by the even-odd rule, as LabelMe, OpenCV and pycocotools do, a self-crossing outline
    covers the same pixels before and after, except that nothing is lost where it runs back along
    itself.

    Args:
        shape (Shape): The shape.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.
        report (callable): Is told name, action and reason of everything that is changed.

    Returns:
        list[PolygonPart | MaskPart]: One with exactly the shape's points where nothing is to mend;
        several where mending or clipping makes them; a mask where the outline crosses itself
        hundreds of times; none where nothing is left.
    """
    if isinstance(shape.outline, Mapping):
        return [MaskPart(shape.name, shape.outline)]
    points = np.asarray(shape.outline, float).reshape(-1, 2)
    fault = _fault(points)
    if fault:
        report(shape.name, 'dropped', fault)
        return []
    polygon = shapely.Polygon(points)
    kind = kind_of(polygon)
    if kind == 'plain' and _is_inside(polygon, height, width):
        return [PolygonPart(shape.name, list(shape.outline), polygon)]
    if kind == 'tangled':
        return _filled(shape.name, points, height, width, report)
    areas = _mended(shape.name, polygon, kind == 'crossing', height, width, report)
    if len(areas) > PARTS:
        return _filled(shape.name, points, height, width, report)
    return [PolygonPart(shape.name, flat_ring(area.exterior), area) for area in areas]


def _filled(name: str, points: np.ndarray, height: int, width: int,
            report: Report) -> list[PolygonPart | MaskPart]:
    """The pixels of an outline whose parts are too many to be told from each other."""
    try:
        rle = to_rle([points.ravel().tolist()], height, width)
    except UserError as error:
        report(name, 'dropped', str(error))
        return []
    report(name, 'mended', 'its outline falls into too many parts, or crosses itself '
           f'more than {CROSSINGS} times: its pixels in the image are taken, not its points')
    return [MaskPart(name, readable(rle))]


def _mended(name: str, polygon: shapely.Polygon, crosses: bool, height: int, width: int,
            report: Report) -> list[shapely.Polygon]:
    """Valid polygons within the image that cover what a polygon covers there."""
    areas = [polygon]
    if crosses:
        areas = _areas(shapely.make_valid(polygon))
        if not areas:
            report(name, 'dropped', 'its outline encloses no area')
            return []
        report(name, 'mended', f'its outline crosses or touches itself: {_counted(areas)}')
    if not _is_inside(polygon, height, width):
        image = shapely.box(0, 0, width, height)
        areas = [part for area in areas for part in _areas(shapely.intersection(area, image))]
        low_x, low_y, high_x, high_y = polygon.bounds
        where = (f'it reaches x {low_x:g}..{high_x:g}, y {low_y:g}..{high_y:g}',
                 f'the image of {width}x{height}')
        if areas:
            report(name, 'mended', f'{where[0]}: clipped to {where[1]}')
        else:
            report(name, 'dropped', f'{where[0]}: outside {where[1]}')
    return areas


def _is_inside(polygon: shapely.Polygon, height: int, width: int) -> bool:
    left, top, right, bottom = polygon.bounds
    return left >= 0 and top >= 0 and right <= width and bottom <= height


def _fault(points: np.ndarray) -> str:
    """Why points (P, 2) are no outline at all; '' if they are one."""
    if not np.isfinite(points).all():
        return 'a coordinate is not a number'
    if points.size and np.abs(points).max() > FARTHEST:
        return f'a coordinate is {points.ravel()[np.abs(points).argmax()]:g}, no place in an image'
    distinct = len({tuple(point) for point in points.tolist()})
    if distinct < 3:
        return f'it has {distinct} distinct points, and an outline needs 3'
    return ''


def _areas(geometry: Any) -> list[shapely.Polygon]:
    """The polygons of a geometry, without lines, points and what rounding leaves."""
    return [part for part in _polygons(geometry) if part.area > CRUMB]


def _polygons(geometry: Any) -> list[shapely.Polygon]:
    if isinstance(geometry, shapely.Polygon):
        return [geometry]
    return [part for piece in getattr(geometry, 'geoms', ()) for part in _polygons(piece)]


def _counted(areas: Sequence[shapely.Polygon]) -> str:
    holes = sum(len(area.interiors) for area in areas)
    parts = f'{len(areas)} part' + 's' * (len(areas) > 1)
    return f'{parts} with {holes} hole' + 's' * (holes > 1) if holes else parts


def flat_ring(ring: Any) -> list[float]:
    """``[x0, y0, x1, y1, ...]`` of a ring of shapely."""
    # the last point of a shapely ring repeats the first
    return shapely.get_coordinates(ring)[:-1].ravel().tolist()
