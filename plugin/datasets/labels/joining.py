"""Shapes of one image, joined into its instances."""
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from .polygons import Instance, Segmentation, mask_to_rle, to_mask, to_rle
from .shapes import MaskPart, PolygonPart, Report, Shape, flat_ring, label_key, mend


def join_shapes(shapes: Iterable[Shape], height: int, width: int,
                report: Report) -> list[Instance]:
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

    Returns:
        list[Instance]: The instances, each with at least one pixel; polygons, or compressed RLE
        (``counts`` as str) where there are holes or masks.
    """
    groups: dict[Any, list[PolygonPart | MaskPart]] = {}
    labels: dict[Any, str] = {}
    classes: dict[Any, list[str]] = {}
    for place, shape in enumerate(_once(list(shapes), report)):
        name = label_key(shape.label)
        key = (place, ) if shape.group is None else (name, shape.group)
        labels.setdefault(key, shape.label)
        if shape.group is not None and name not in classes.setdefault(shape.group, []):
            classes[shape.group].append(name)
        groups.setdefault(key, []).extend(mend(shape, height, width, report))
    for group, names in classes.items():
        if len(names) > 1:
            report(f'group {group}', 'split', f'its shapes have the labels {", ".join(names)}: '
                   'they are one instance each; give them one label or different groups')
    instances = []
    for key, parts in groups.items():
        segmentation = _join(parts, height, width, report) if parts else None
        if segmentation is not None:
            instances.append(Instance(labels[key], segmentation))
    return instances


def _once(shapes: list[Shape], report: Report) -> list[Shape]:
    """Drop what was drawn twice; of a lone shape and one of a group, the lone one."""
    first: dict[Any, int] = {}
    for place in sorted(range(len(shapes)), key=lambda place: shapes[place].group is None):
        outline = shapes[place].outline
        content = (outline['counts'] if isinstance(outline, Mapping) else tuple(outline))
        first.setdefault((label_key(shapes[place].label), content), place)
    kept = set(first.values())
    for place, shape in enumerate(shapes):
        if place not in kept:
            report(shape.name, 'dropped', 'it is drawn twice, point by point')
    return [shapes[place] for place in sorted(kept)]


def _join(parts: list[PolygonPart | MaskPart], height: int, width: int,
          report: Report) -> Segmentation | None:
    """The COCO segmentation of the parts of one instance; None if it has no pixel."""
    solids, holes = _nest([part for part in parts if isinstance(part, PolygonPart)], report)
    masks = [part.rle for part in parts if isinstance(part, MaskPart)]
    plain = not masks and not any(holes) and not any(p.polygon.interiors for p in solids)
    if plain:
        segmentation: Segmentation = [part.ring for part in solids]
        pixels = coco_mask.area(to_rle(segmentation, height, width))
    else:
        mask = np.zeros((height, width), np.uint8)
        for rle in masks:
            mask |= to_mask(rle, height, width)
        for part, inside in zip(solids, holes, strict=True):
            cut = [flat_ring(ring) for ring in part.polygon.interiors] + inside
            mask |= _filled(part.ring, cut, height, width)
        segmentation, pixels = mask_to_rle(mask), mask.sum()
    if not pixels:
        names = ', '.join(dict.fromkeys(part.name for part in parts))
        report(names, 'dropped', 'it covers no pixel')
        return None
    return segmentation


def _nest(parts: list[PolygonPart],
          report: Report) -> tuple[list[PolygonPart], list[list[list[float]]]]:
    """Tell the solid polygons of an instance from the holes in them; rings of holes per solid."""
    depth = [0] * len(parts)
    around: list[list[int]] = [[] for _ in parts]
    # from the largest on, so that the depth of what lies around is known
    order = sorted(range(len(parts)), key=lambda place: -parts[place].polygon.area)
    for rank, place in enumerate(order):
        inner = parts[place].polygon
        around[place] = [other for other in order[:rank] if parts[other].polygon.covers(inner)
                         and not parts[other].polygon.equals(inner)]
        depth[place] = 1 + max((depth[other] for other in around[place]), default=-1)
        if depth[place] % 2:
            report(parts[place].name, 'note', 'it lies inside '
                   f'{parts[around[place][-1]].name} of its group: a hole in it')
    solids = [place for place in range(len(parts)) if depth[place] % 2 == 0]
    holes = [[part.ring for part, outer, level in zip(parts, around, depth, strict=True)
              if place in outer and level == depth[place] + 1] for place in solids]
    return [parts[place] for place in solids], holes


def _filled(ring: list[float], cut: list[list[float]], height: int, width: int) -> np.ndarray:
    """Pixels (H, W) uint8 of a polygon without those of its holes."""
    mask = to_mask([ring], height, width)
    for hole in cut:
        mask[to_mask([hole], height, width) > 0] = 0
    return mask
