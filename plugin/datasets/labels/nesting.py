"""Which polygons of an instance are holes in others."""
import numpy as np
import shapely

from plugin.utils import UserError

from .shapes import PARTS, PolygonPart, Report

# points that are compared to tell holes from parts: two seconds
WORK = 20_000_000


def nest(shapes: list[list[PolygonPart]],
         report: Report) -> tuple[list[PolygonPart], list[list[list[float]]]]:
    """Tell the solid polygons of an instance from the holes in them.

    Args:
        shapes (list[list[PolygonPart]]): The polygons of each shape; those of one do not overlap.
        report (callable): Is told name, action and reason of every hole.

    Returns:
        tuple: The solid polygons, and for each the rings of the holes in it.

    Raises:
        UserError: If there are so many that telling them apart would take minutes.
    """
    parts = [part for shape in shapes for part in shape]
    # from the largest on, so that the depth of what lies around is known
    order = sorted(range(len(parts)), key=lambda place: -parts[place].polygon.area)
    around = _around(shapes, order)
    depth = [0] * len(parts)
    for place in order:
        depth[place] = 1 + max((depth[other] for other in around[place]), default=-1)
        if depth[place] % 2:
            report(parts[place].name, 'note', 'it lies inside '
                   f'{parts[around[place][-1]].name} of its group: a hole in it')
    rings: list[list[list[float]]] = [[] for _ in parts]
    for place, part in enumerate(parts):
        for other in around[place]:
            if depth[other] == depth[place] - 1:
                rings[other].append(part.ring)
    solids = [place for place in range(len(parts)) if depth[place] % 2 == 0]
    return [parts[place] for place in solids], [rings[place] for place in solids]


def _around(shapes: list[list[PolygonPart]], order: list[int]) -> list[list[int]]:
    """Of each polygon those that lie around it, the first in ``order`` first."""
    polygons = np.array([part.polygon for shape in shapes for part in shape], object)
    if len(polygons) > PARTS:
        raise UserError(f'it has {len(polygons)} parts, more than {PARTS}: draw it as fewer shapes')
    owner = np.repeat(np.arange(len(shapes)), [len(shape) for shape in shapes])
    found: list[list[int]] = [[] for _ in polygons]
    if len(set(owner.tolist())) < 2:
        return found
    outer, inner = shapely.STRtree(polygons).query(polygons)
    boxes = shapely.bounds(polygons)
    within = ((boxes[outer, :2] <= boxes[inner, :2]) & (boxes[outer, 2:] >= boxes[inner, 2:]))
    # parts of one shape lie beside each other
    taken = within.all(axis=1) & (owner[outer] != owner[inner])
    outer, inner = outer[taken], inner[taken]
    points = shapely.get_num_coordinates(polygons)
    if points[outer].sum() + points[inner].sum() > WORK:
        raise UserError(f'its {len(polygons)} parts lie within each other too often to tell the '
                        'holes: draw it as fewer shapes')
    shapely.prepare(polygons)
    covers = shapely.covers(polygons[outer], polygons[inner])
    pairs = set(zip(outer[covers].tolist(), inner[covers].tolist(), strict=True))
    rank = {place: number for number, place in enumerate(order)}
    # two that cover each other are the same polygon, and none is a hole
    for one, other in sorted(pairs, key=lambda pair: rank[pair[0]]):
        if (other, one) not in pairs and rank[one] < rank[other]:
            found[other].append(one)
    return found
