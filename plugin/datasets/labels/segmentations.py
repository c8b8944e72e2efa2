"""Segmentations of COCO files as other tools write them, and what they mean for certain."""
import ast
import json
import re
import warnings
from collections.abc import Mapping
from typing import Any

from plugin.utils import UserError

from .run_lengths import check_rle

# numbers of a polygon: x and y of 3 points
FEWEST = 6


def has_outline(segmentation: Any) -> bool:
    """Whether a COCO segmentation is one from which a mask can be made.

    Args:
        segmentation (list | dict): Polygons of 3 points and more, or an RLE.

    Returns:
        bool: False for an empty list, a polygon of fewer than 3 points or an odd number of
        coordinates or something else than numbers, an RLE without counts or size.
    """
    if isinstance(segmentation, dict):
        counts, size = segmentation.get('counts'), segmentation.get('size')
        return (isinstance(counts, (str, bytes, list)) and len(counts) > 0 and not _is_repr(counts)
                and isinstance(size, (list, tuple)) and len(size) == 2)
    return (isinstance(segmentation, list) and len(segmentation) > 0
            and all(map(is_ring, segmentation)))


def is_ring(part: Any) -> bool:
    """Whether a part of a segmentation is a polygon ``[x0, y0, x1, y1, ...]``."""
    return (isinstance(part, list) and len(part) >= FEWEST and len(part) % 2 == 0
            and {*map(type, part)} <= {int, float})


def is_fragment(part: Any) -> bool:
    """Whether a part of a segmentation is none, one or two points, which enclose nothing."""
    return (isinstance(part, list) and len(part) < FEWEST and len(part) % 2 == 0
            and {*map(type, part)} <= {int, float})


def without_fragments(segmentation: Any) -> Any:
    """The same without parts of fewer than three points, where a good part is left.

    Tools that trace masks leave such parts beside the outline; they cover no pixel.
    """
    if not isinstance(segmentation, list) or not any(map(is_fragment, segmentation)):
        return segmentation
    good = [part for part in segmentation if not is_fragment(part)]
    return good if good and all(map(is_ring, good)) else segmentation


def normal_form(segmentation: Any, height: int, width: int) -> tuple[Any, str]:
    """What a segmentation in another form than COCO's must mean.

    Args:
        segmentation (Any): As a tool wrote it.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Returns:
        tuple: The segmentation in COCO's form, the same object if it is in that form already or
        nothing is certain; and in which form it was, '' for COCO's.
    """
    if isinstance(segmentation, str):
        try:
            inner = json.loads(segmentation)
        except (RecursionError, ValueError):
            return segmentation, ''
        # text within text would be read for ever
        if isinstance(inner, str):
            return segmentation, ''
        return normal_form(inner, height, width)[0], 'text that holds JSON'
    if isinstance(segmentation, list) and len(segmentation) == 1 and isinstance(
            segmentation[0], dict) and 'counts' in segmentation[0]:
        return normal_form(segmentation[0], height, width)[0], 'an RLE in a list'
    if isinstance(segmentation, dict):
        return _normal_rle(segmentation, height, width)
    if isinstance(segmentation, list) and not has_outline(segmentation):
        return _normal_rings(segmentation)
    return segmentation, ''


def _normal_rings(segmentation: list) -> tuple[Any, str]:
    """Polygons out of flat lists, lists of points, and numbers written as text."""
    numbers = [_number(value) for value in segmentation]
    if segmentation and None not in numbers:
        is_whole = len(numbers) >= FEWEST and len(numbers) % 2 == 0
        return ([numbers], 'one flat list of numbers, not [[...]]') if is_whole else (
            segmentation, '')
    points = _points(segmentation)
    if points is not None:
        return [points], 'a list of points [x, y], not [[x, y, ...]]'
    form, rings = '', []
    for part in segmentation:
        ring = part
        if isinstance(part, list) and not is_ring(part) and not is_fragment(part):
            inner, texts = _points(part), [_number(value) for value in part]
            if inner is not None:
                form, ring = 'lists of points [x, y], not of numbers', inner
            elif any(isinstance(value, str) for value in part) and None not in texts:
                form, ring = form or 'numbers written as text', texts
        rings.append(ring)
    return (rings, form) if form else (segmentation, '')


def _points(part: list) -> list[float] | None:
    """The numbers of a list of 3 points and more; None if it is none."""
    found: list[float] = []
    for point in part:
        if isinstance(point, Mapping):
            point = [point.get('x'), point.get('y')]
        if not isinstance(point, list) or len(point) != 2:
            return None
        x, y = map(_number, point)
        if x is None or y is None:
            return None
        found += [x, y]
    return found if len(found) >= FEWEST else None


def _number(value: Any) -> float | int | None:
    """A number, perhaps written as text; None if it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    # a text of thousands of digits is no coordinate
    if isinstance(value, str) and re.fullmatch(r'\s*-?\d{1,9}(\.\d{0,20})?\s*', value):
        return float(value)
    return None


def _is_repr(counts: Any) -> bool:
    """Whether the counts are what Python shows of bytes; a quote is no letter of an RLE."""
    return isinstance(counts, str) and re.fullmatch(r'''b(['"]).*\1''', counts,
                                                    re.DOTALL) is not None


def _normal_rle(rle: dict, height: int, width: int) -> tuple[dict, str]:
    changed, forms = dict(rle), []
    counts = rle.get('counts')
    if _is_repr(counts):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            try:
                changed['counts'] = ast.literal_eval(str(counts)).decode('ascii')
            except (SyntaxError, ValueError, AttributeError):
                return rle, ''
        forms.append("an RLE whose counts are the text b'...'")
    elif isinstance(counts, str) and re.fullmatch(r'\s*\d+([\s,]+\d+)+\s*', counts):
        changed['counts'] = [int(run) for run in re.findall(r'\d{1,12}', counts)]
        forms.append('an RLE whose runs are text')
    elif isinstance(counts, list) and any(isinstance(run, float) for run in counts) and all(
            isinstance(run, (int, float)) and float(run).is_integer() for run in counts):
        changed['counts'] = [int(run) for run in counts]
        forms.append('an RLE whose runs are fractions')
    if rle.get('size') is None:
        changed['size'] = [height, width]
        forms.append('an RLE without its size')
    if not forms:
        return rle, ''
    try:
        # only what fits the image is certain
        check_rle(changed, height, width)
    except UserError:
        return rle, ''
    return changed, ', '.join(forms)
