"""Shapes as LabelMe and X-AnyLabeling draw them."""
import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from plugin.utils import UserError
from plugin.utils.images import open_image
from plugin.utils.text import word

from .coco_builder import CocoBuilder, ImageEntry
from .coco_origin import is_crowd
from .plain_values import listed, number
from .polygons import crop_to_rle
from .shapes import Shape, box_ring, ellipse_ring

Points = list[tuple[float, float]]


def labelme_shape(entry: Any, name: str, image: ImageEntry, builder: CocoBuilder) -> Shape | None:
    """A shape of LabelMe, with a fault if it does not outline an animal.

    Returns:
        Shape, optional: None, and a finding, if not even its points are known.
    """
    try:
        points = _points(entry)
    except ValueError as error:
        builder.report(image.source, 'dropped', str(error), name)
        return None
    label = entry.get('label')
    try:
        kind = word(entry.get('shape_type') or 'polygon')
        outline: list[float] | dict
        if kind == 'mask':
            outline, mendings = _mask(entry, points, image.height, image.width)
            for mending in mendings:
                builder.report(image.source, 'mended', mending, name)
        elif kind in OUTLINES:
            outline = OUTLINES[kind](points)
        else:
            raise UserError(f'a {kind} outlines nothing: draw a polygon' if kind in LINES else
                            f'shapes of type {kind} are not known here: draw a polygon')
        return Shape(label, outline, _group(entry.get('group_id')), name,
                     is_crowd(entry.get('flags')))
    except ValueError as error:
        return Shape(label, _polygon(points), None, name, fault=str(error))


def _group(written: Any) -> int | str | None:
    """What the shapes of one instance have in common, as it can be a key."""
    if written is None or isinstance(written, (int, str)):
        return written
    try:
        return repr(written)
    except RecursionError as error:
        raise UserError('its group_id is nested too deeply: give it a number') from error


def _points(entry: Any) -> Points:
    try:
        # a text would be taken letter by letter
        return [(number(x), number(y)) for x, y in map(listed, listed(entry['points']))]
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise UserError('it has no list of points x, y: draw it again') from error


def _polygon(points: Points) -> list[float]:
    return [value for point in points for value in point]


def _rectangle(points: Points) -> list[float]:
    # since version 5.5 all four corners may be written, and the rectangle be turned
    if len(points) == 2:
        return box_ring(*points[0], *points[1])
    if len(points) == 4:
        return _polygon(points)
    raise UserError(f'a rectangle has 2 or 4 points, not {len(points)}: draw it again')


def _corners(points: Points) -> list[float]:
    if len(points) != 4:
        raise UserError(f'a turned rectangle has 4 points, not {len(points)}: draw it again')
    return _polygon(points)


def _circle(points: Points) -> list[float]:
    if len(points) != 2:
        raise UserError(f'a circle has 2 points, centre and rim, not {len(points)}: '
                        'draw it again')
    (x, y), (rim_x, rim_y) = points
    radius = float(np.hypot(rim_x - x, rim_y - y))
    return ellipse_ring(x, y, radius, radius)


OUTLINES: dict[str, Callable[[Points], list[float]]] = dict(
    polygon=_polygon, rectangle=_rectangle, circle=_circle,
    # turned rectangles of X-AnyLabeling and of LabelMe, and what is drawn as four corners
    rotation=_corners, oriented_rectangle=_corners, quadrilateral=_corners)
LINES = ('line', 'linestrip', 'point', 'points')


def _mask(entry: dict, points: Points, height: int, width: int) -> tuple[dict, list[str]]:
    """RLE of a shape of type mask, a PNG of the part within its box, and what was mended."""
    try:
        content = base64.b64decode(entry['mask'], validate=True)
        with open_image(io.BytesIO(content)) as png:
            # more than an image could hold would only take memory
            if png.width > 2 * width or png.height > 2 * height:
                raise UserError(f'a mask of {png.width}x{png.height} in an image of '
                                f'{width}x{height}')
            crop = np.asarray(png if png.mode in ('1', 'L', 'P', 'I;16') else png.convert('L'))
        left, top = (round(value) for value in points[0])
        right, bottom = (round(value) for value in points[-1])
    # what Pillow raises for damaged images is of many types
    except (IndexError, KeyError, OSError, OverflowError, SyntaxError, TypeError, ValueError,
            Image.DecompressionBombError) as error:
        raise UserError(f'its mask cannot be read ({type(error).__name__}: {error}): '
                        'draw it again') from error
    mendings = []
    if crop.shape != (bottom - top + 1, right - left + 1):
        mendings.append(f'its box is {right - left + 1}x{bottom - top + 1}, its mask '
                        f'{crop.shape[1]}x{crop.shape[0]}: the mask counts')
    rle, lost = crop_to_rle(crop, left, top, height, width)
    if lost:
        mendings.append(f'{lost} of its pixels lie outside the image: clipped')
    return rle, mendings
