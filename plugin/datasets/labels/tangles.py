"""Outlines that cross themselves so often that no geometry can mend them in time."""
import numpy as np
import shapely

# crossings that are mended; five hundred take half a second, thousands would take minutes
CROSSINGS = 500
# pairs of edges that lie close to each other: comparing more takes seconds, crossing or not
NEAR = 2_000_000
# below so many points all pairs may be compared
FEW = 1000


def is_tangled(points: np.ndarray) -> bool:
    """Whether an outline is too tangled for shapely to test or to mend.

    Args:
        points (np.ndarray): (P, 2), at least 3 of them distinct, finite.

    Returns:
        bool: True if more than 500 pairs of its edges cross or touch each other, or so many lie
        close to each other that comparing them would take seconds.
    """
    points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    number = len(points)
    edges = shapely.linestrings(np.stack([points, np.roll(points, -1, axis=0)], axis=1))
    tree = shapely.STRtree(edges)
    start, step, most = 0, 8, max(1, NEAR // 10 // number)
    near = crossing = 0
    while start < number:
        step = min(2 * step, most)
        one, other = tree.query(edges[start:start + step])
        near += len(one)
        apart = (other - one - start) % number
        # each pair once; an edge touches the next one always
        pair = (apart > 1) & (apart < number - 1) & (other > one + start)
        crossing += int(shapely.intersects(edges[one[pair] + start], edges[other[pair]]).sum())
        if near > NEAR or crossing > CROSSINGS:
            return True
        start += step
    return False


def kind_of(polygon: shapely.Polygon) -> str:
    """What a polygon of one ring is: ``plain`` (valid), ``crossing``, or ``tangled``."""
    points = shapely.get_coordinates(polygon.exterior)[:-1]
    few = len(points) < FEW
    if few and polygon.is_valid:
        return 'plain'
    if is_tangled(points):
        return 'tangled'
    return 'crossing' if few or not polygon.is_valid else 'plain'
