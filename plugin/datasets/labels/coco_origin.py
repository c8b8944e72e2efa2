"""What LabelMe files remember of the COCO file that they come from."""
from collections.abc import Mapping, Sequence
from typing import Any

from plugin.utils.text import is_name

from .coco_builder import CocoBuilder
from .joining import join_shapes
from .polygons import Instance, Segmentation, mask_to_rle, readable, to_mask, to_rle
from .shapes import Shape

# ids beyond are no numbers that other tools could hold
LARGEST = 2 ** 53


def origin(image_id: Any, categories: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What a LabelMe file is to remember: the id of its image, and all categories.

    Returns:
        dict, optional: None where the ids are no whole numbers.
    """
    ids = [entry['id'] for entry in categories]
    if not all(map(_is_id, [image_id, *ids])):
        return None
    return dict(image_id=image_id, categories=[dict(entry) for entry in categories])


def read_origin(written: Any, builder: CocoBuilder) -> int | None:
    """Declare the categories that a LabelMe file remembers; returns the id of its image."""
    if not isinstance(written, dict):
        return None
    entries = written.get('categories')
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and is_name(entry.get('name')) and _is_id(entry.get('id')):
            builder.declare(entry['name'], entry['id'], {
                key: value for key, value in entry.items() if key not in ('id', 'name')})
    number = written.get('image_id')
    return number if _is_id(number) else None


def is_crowd(flags: Any) -> bool:
    """Whether the flags of a LabelMe shape say that it stands for several animals."""
    return isinstance(flags, dict) and flags.get('iscrowd') is True


def redrawn(instance: Instance, height: int, width: int) -> Instance:
    """An instance such that its LabelMe shapes cover the same pixels when they are read again.

    COCO takes the union of the polygons of an annotation, while LabelMe's shapes of a group have
    holes where one lies within another. A polygon within another adds no pixel and is left out;
    what cannot be drawn as polygons becomes a mask.

    Args:
        instance (Instance): With a segmentation of a COCO file.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.

    Returns:
        Instance: The same, or with fewer polygons, or with run lengths.
    """
    rings = instance.segmentation
    if not isinstance(rings, list):
        return instance
    # what is drawn twice would be dropped on the way back
    once = [ring for place, ring in enumerate(rings) if ring not in rings[:place]]
    if len(once) < len(rings):
        return redrawn(instance._replace(segmentation=once), height, width)
    pixels = readable(to_rle(rings, height, width))
    if _read_again(rings, height, width) == pixels:
        return instance
    outer = [ring for place, ring in enumerate(rings) if not _adds_nothing(
        place, rings, pixels, height, width)]
    if outer and _read_again(outer, height, width) == pixels:
        return instance._replace(segmentation=outer)
    return instance._replace(segmentation=mask_to_rle(to_mask(rings, height, width)))


def _read_again(rings: list[list[float]], height: int, width: int) -> dict | None:
    """The pixels of polygons that are drawn as one group of shapes."""
    found = join_shapes([Shape('', ring, 0, str(place)) for place, ring in enumerate(rings)],
                        height, width, lambda *_: None)
    if len(found) != 1:
        return None
    segmentation: Segmentation = found[0].segmentation
    return readable(to_rle(segmentation, height, width))


def _adds_nothing(place: int, rings: list[list[float]], pixels: dict, height: int,
                  width: int) -> bool:
    rest = rings[:place] + rings[place + 1:]
    return bool(rest) and readable(to_rle(rest, height, width)) == pixels


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST
