"""Points in polygons, against shapely."""
import numpy as np
import pytest
from shapely import Point, Polygon

from plugin.tracking.zone import Zone
from plugin.utils import UserError


def test_points_inside_are_those_of_shapely():
    rng = np.random.default_rng(0)
    for corners in ([(1, 1), (18, 3), (9, 9), (15, 17), (2, 14)], [(0, 0), (20, 0), (3, 19)]):
        zone, polygon = Zone(corners), Polygon(corners)
        for point in rng.uniform(-2, 22, (300, 2)):
            assert (tuple(point) in zone) == polygon.contains(Point(point))


@pytest.mark.parametrize('points, message', [
    ([(0, 0), (5, 5)], 'a zone of 2 points encloses nothing: give x, y of at least 3 corners'),
    ([(0, 0), (5, 5), (10, 10)], 'the corners of the zone lie on one line: draw a polygon'),
])
def test_what_encloses_nothing_is_told(points, message):
    with pytest.raises(UserError, match=message):
        Zone(points)
