"""Regions to ignore: where there are animals that nobody could outline.

In files that people draw they are shapes with the label ``ignore``, in any case. In a COCO file a
region is a crowd (``iscrowd`` 1) of every category, since what it hides may be of any; its entries
share the number ``ignore_region``.
"""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from plugin.utils import UserError
from plugin.utils.numbers import is_number

from .polygons import FARTHEST, Instance, Segmentation, readable, to_rle
from .shapes import MaskPart, PolygonPart, Shape, box_ring, label_key, mend

IGNORE = 'ignore'
# what the entries of one region in a COCO file have in common: its number
KEY = 'ignore_region'
# pixels of what was dropped; fewer are a slip of the mouse, and say nothing of an animal
LEAST = 4
NO_MARKS = ('0', 'false', '', 'none')


def is_region(label: Any) -> bool:
    """Whether a label marks a region to ignore: ``ignore``, whatever its case.

    Example:
        >>> is_region(' Ignore'), is_region('ignored cow')
        (True, False)
    """
    return isinstance(label, str) and label_key(label) == IGNORE


def is_marked(annotation: Mapping[str, Any]) -> bool:
    """Whether a COCO annotation says ``ignore: 1``, as some tools mark what is not to count."""
    return str(annotation.get('ignore', 0)).strip().lower() not in NO_MARKS


def area_to_ignore(outline: Sequence[float] | Mapping[str, Any], height: int,
                   width: int) -> Segmentation | None:
    """What is known of the area of an outline that has to be dropped.

    Args:
        outline (Sequence[float] | Mapping): Numbers x, y, x, y, ... in pixels, or run lengths.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Returns:
        list[list[float]] | dict, optional: What it encloses, or else the box of its points; None
        where that is less than 4 pixels of the image.

    Example:
        >>> area_to_ignore([2.0, 3.0, 12.0, 8.0], 20, 20)
        [[2.0, 3.0, 12.0, 3.0, 12.0, 8.0, 2.0, 8.0]]
    """
    for segmentation in _areas(outline, height, width):
        if covered_pixels(segmentation, height, width) >= LEAST:
            return segmentation
    return None


def area_of_parts(parts: Sequence[PolygonPart | MaskPart], height: int,
                  width: int) -> Segmentation | None:
    """The area of all parts of a shape; None where it is less than 4 pixels."""
    rings = [part.ring for part in parts if isinstance(part, PolygonPart)]
    masks = [to_rle(part.rle, height, width) for part in parts if isinstance(part, MaskPart)]
    area: Segmentation = rings
    if masks:
        masks += [to_rle([ring], height, width) for ring in rings]
        area = readable(coco_mask.merge(masks))
    return area if covered_pixels(area, height, width) >= LEAST else None


def covered_pixels(segmentation: Segmentation, height: int, width: int) -> int:
    """Pixels of a segmentation; 0 where no outline can be made of it."""
    try:
        return int(coco_mask.area(to_rle(segmentation, height, width)))
    except UserError:
        return 0


def _areas(outline: Sequence[float] | Mapping[str, Any], height: int,
           width: int) -> Iterator[Segmentation]:
    """What an outline may cover, the best guess first."""
    if isinstance(outline, Mapping):
        yield outline
        return
    if len(outline) % 2:
        return
    parts = mend(Shape('', list(outline)), height, width, lambda *_: None)
    area = area_of_parts(parts, height, width)
    if area is not None:
        yield area
    points = np.asarray(outline, float).reshape(-1, 2)
    points = points[(np.abs(points) <= FARTHEST).all(axis=1)]
    if len(points):
        low, high = (np.clip(edge, 0, (width, height)).tolist()
                     for edge in (points.min(0), points.max(0)))
        yield [box_ring(*low, *high)]


def with_categories(instances: Iterable[tuple[int, Instance]],
                    numbers: Mapping[str, int]) -> Iterator[tuple[int, int, Instance]]:
    """Instances with the ids of their categories, as they are written into a COCO file.

    Args:
        instances (Iterable): Places of their images, and the instances.
        numbers (Mapping[str, int]): Id of each category by the key of its label.

    Yields:
        tuple: Place, id of the category, and instance. A region is a numbered crowd of every
        category, which may be more than once, or never where there is no category.
    """
    region = 0
    for place, one in instances:
        if one.label != IGNORE:
            yield place, numbers[label_key(one.label)], one
            continue
        region += 1
        crowd = one._replace(iscrowd=True, extra={**(one.extra or {}), KEY: region})
        for number in numbers.values():
            yield place, number, crowd


def once(annotations: Iterable[dict]) -> list[dict]:
    """The annotations of one image, of each region the first entry alone."""
    seen: set[Any] = set()
    kept = []
    for one in annotations:
        number = region_number(one)
        if number is None or number not in seen:
            kept.append(one)
        seen.add(number)
    return kept


def region_number(annotation: Mapping[str, Any]) -> int | None:
    """The number of the region that a COCO annotation is an entry of; None if it is of none."""
    number = annotation.get(KEY)
    is_one = is_number(number) and bool(annotation.get('iscrowd'))
    return int(number) if is_one else None  # type: ignore[arg-type]  # is_number has looked


def with_regions(content: Mapping[str, Any]) -> dict[str, Any]:
    """A COCO file whose regions are all written in the one way.

    Annotations of a category ``ignore`` become crowds of every other category, and the category
    goes; annotations with ``ignore: 1`` become crowds of their own.

    Args:
        content (Mapping): A COCO file whose entries have their ids; it stays as it is.

    Returns:
        dict: The same, or with other annotations and categories.
    """
    gone = {entry['id'] for entry in content['categories'] if is_region(entry['name'])}
    if not gone and not any(map(is_marked, content['annotations'])):
        return dict(content)
    kept = [entry for entry in content['categories'] if entry['id'] not in gone]
    numbers = [one['id'] for one in content['annotations'] if isinstance(one['id'], int)]
    free = max(numbers, default=0) + 1
    region = max((region_number(one) or 0 for one in content['annotations']), default=0)
    annotations: list[dict] = []
    for one in content['annotations']:
        if one['category_id'] not in gone:
            annotations.append(_unmarked(one))
            continue
        region += 1
        for place, category in enumerate(kept):
            annotations.append(dict(_unmarked(one), iscrowd=1, category_id=category['id'], id=(
                free if place else one['id']), **{KEY: region}))
            free += place > 0
    return dict(content, annotations=annotations, categories=kept)


def _unmarked(annotation: dict) -> dict:
    """A crowd where an annotation says ``ignore: 1``, which MMDetection would leave out."""
    if not is_marked(annotation):
        return annotation
    rest = {key: value for key, value in annotation.items() if key != 'ignore'}
    return dict(rest, iscrowd=1)
