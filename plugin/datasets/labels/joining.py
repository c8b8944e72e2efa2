"""Shapes of one image, joined into its instances."""
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from pycocotools import mask as coco_mask

from plugin.utils import UserError

from .nesting import nest
from .polygons import Instance, Segmentation, mask_to_rle, to_rle
from .regions import IGNORE, area_of_parts, area_to_ignore
from .run_lengths import without
from .shapes import MaskPart, PolygonPart, Report, Shape, flat_ring, label_key, mend

TWICE = 'it is drawn twice, point by point'
TOLD = '; its area is ignored in training'


class _Losses:
    """Reports what is dropped from an image, and keeps what is known of its area.

    Args:
        size (tuple[int, int]): H, W of the image in pixels.
        report (callable): Is told name, action and reason of everything that is changed.
        keep (bool): Whether areas are wanted.
    """

    def __init__(self, size: tuple[int, int], report: Report, keep: bool) -> None:
        self.size, self.report, self.keep = size, report, keep
        self.regions: list[Instance] = []

    def drop(self, area: Segmentation | None, name: str, reason: str) -> None:
        """Report a shape as dropped; its area, where it is known, becomes a region."""
        if not self.keep or area is None:
            self.report(name, 'dropped', reason)
            return
        self.report(name, 'dropped', reason + TOLD)
        self.regions.append(Instance(IGNORE, area, extra=dict(dropped=reason)))

    def of_shape(self, shape: Shape, name: str, action: str, reason: str) -> None:
        """What is reported of a shape."""
        if action == 'dropped':
            self.drop(area_to_ignore(shape.outline, *self.size), name, reason)
        else:
            self.report(name, action, reason)

    def of_parts(self, parts: list[list[PolygonPart | MaskPart]], name: str, action: str,
                 reason: str) -> None:
        """What is reported of the parts of an instance."""
        if action == 'dropped':
            self.drop(area_of_parts([one for shape in parts for one in shape], *self.size), name,
                      reason)
        else:
            self.report(name, action, reason)


def join_shapes(shapes: Iterable[Shape], height: int, width: int,
                report: Report, union: bool = False, regions: bool = False) -> list[Instance]:
    """Turn the shapes drawn in one image into its instances.

    Points outside the image are clipped and self-crossing outlines mended, with all their parts.
    Exact duplicates, and what has no pixel, are dropped. Shapes of one class and ``group`` become
    one instance; there, a polygon wholly inside another one is a hole in it. An outline that
    needs no mending keeps its points exactly.

    Args:
        shapes (iterable[Shape]): The shapes.
        height (int): H of the image in pixels.
        width (int): W of the image in pixels.
        report (callable): Is told name, action and reason of everything that is changed.
        union (bool): Take the union of the polygons of a group, as COCO does, and no holes.
            Defaults to False.
        regions (bool): Add a region to ignore where a shape is dropped and its area is known.
            Defaults to False.

    Returns:
        list[Instance]: The instances, each with at least one pixel; polygons, or compressed RLE
        (``counts`` as str) where there are holes or masks.
    """
    groups: dict[Any, list[list[PolygonPart | MaskPart]]] = {}
    first: dict[Any, Shape] = {}
    classes: dict[Any, dict[str, None]] = {}
    losses = _Losses((height, width), report, regions)
    sound = []
    for shape in shapes:
        if shape.fault:
            losses.of_shape(shape, shape.name, 'dropped', shape.fault)
        else:
            sound.append(shape)
    for place, shape in enumerate(sound if union else _once(sound, report)):
        name = label_key(shape.label)
        key = (place, ) if shape.group is None else (name, shape.group, shape.iscrowd)
        first.setdefault(key, shape)
        if shape.group is not None:
            classes.setdefault(shape.group, {})[name] = None
        groups.setdefault(key, []).append(
            mend(shape, height, width, partial(losses.of_shape, shape)))
    for group, names in classes.items():
        if len(names) > 1:
            report(f'group {group}', 'split', f'its shapes have the labels {", ".join(names)}: '
                   'they are one instance each; give them one label or different groups')
    instances = []
    for key, shapes_parts in groups.items():
        segmentation = (_join(shapes_parts, height, width, partial(losses.of_parts, shapes_parts),
                              union) if any(shapes_parts) else None)
        if segmentation is not None:
            instances.append(Instance(first[key].label, segmentation, None, first[key].iscrowd,
                                      first[key].extra))
    return instances + losses.regions


def _once(shapes: list[Shape], report: Report) -> list[Shape]:
    """Drop what was drawn twice; of a lone shape and one of a group, the lone one.

    A part that two groups share stays in both, unless all of a group is drawn twice.
    """
    first: dict[Any, int] = {}
    for place in sorted(range(len(shapes)), key=lambda place: shapes[place].group is None):
        shape = shapes[place]
        first.setdefault((label_key(shape.label), shape.iscrowd, _content(shape)), place)
    kept = set(first.values())
    owners = {(shapes[place].group, label_key(shapes[place].label)) for place in kept}
    own: set[Any] = set()
    for place, shape in enumerate(shapes):
        owner = (shape.group, label_key(shape.label))
        content = (owner, shape.iscrowd, _content(shape))
        if shape.group is not None and owner in owners and content not in own:
            kept.add(place)
            own.add(content)
    for place, shape in enumerate(shapes):
        if place not in kept:
            report(shape.name, 'dropped', TWICE)
    return [shapes[place] for place in sorted(kept)]


def _content(shape: Shape) -> Any:
    outline = shape.outline
    return outline['counts'] if isinstance(outline, Mapping) else tuple(outline)


def _join(shapes: list[list[PolygonPart | MaskPart]], height: int, width: int,
          report: Report, union: bool) -> Segmentation | None:
    """The COCO segmentation of the shapes of one instance, in parts; None if it has no pixel."""
    parts = [part for shape in shapes for part in shape]
    names = ', '.join(dict.fromkeys(part.name for part in parts))
    try:
        polygons = [[part for part in shape if isinstance(part, PolygonPart)] for shape in shapes]
        solids = [part for shape in polygons for part in shape]
        holes: list[list[list[float]]] = [[] for _ in solids]
        if not union:
            solids, holes = nest(polygons, report)
    except UserError as error:
        report(names, 'dropped', str(error))
        return None
    masks = [to_rle(part.rle, height, width) for part in parts if isinstance(part, MaskPart)]
    plain = not masks and not any(holes) and not any(p.polygon.interiors for p in solids)
    if plain:
        segmentation: Segmentation = [part.ring for part in solids]
        pixels = coco_mask.area(to_rle(segmentation, height, width))
    else:
        for part, inside in zip(solids, holes, strict=True):
            cut = [flat_ring(ring) for ring in part.polygon.interiors] + inside
            masks.append(without(to_rle([part.ring], height, width),
                                 [to_rle([ring], height, width) for ring in cut]))
        mask = coco_mask.decode(coco_mask.merge(masks))
        segmentation, pixels = mask_to_rle(mask), mask.sum()
    if not pixels:
        report(names, 'dropped', 'it covers no pixel')
        return None
    return segmentation
