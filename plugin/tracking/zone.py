"""A part of the picture."""
from collections.abc import Sequence

import numpy as np

from plugin.utils import UserError

from .records import Point


class Zone:
    """A polygon in pixels of the frame; its last point is joined to the first.

    Args:
        points (Sequence[Point]): At least 3 corners x, y, not all on one line.

    Raises:
        UserError: If they enclose nothing.

    Example:
        >>> from plugin.tracking.zone import Zone
        >>> pen = Zone([(0, 0), (10, 0), (10, 10), (0, 10)])
        >>> (5, 5) in pen, (15, 5) in pen
        (True, False)
    """

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = np.asarray(points, float)
        if self.points.ndim != 2 or self.points.shape[1:] != (2,) or len(self.points) < 3:
            raise UserError(f'a zone of {len(points)} points encloses nothing: give x, y of at '
                            'least 3 corners')
        x, y = self.points.T
        if abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) < 2:  # twice the area
            raise UserError('the corners of the zone lie on one line: draw a polygon')

    def __contains__(self, point: Point) -> bool:
        """Whether a point lies inside: a ray from it cuts the border an odd number of times."""
        x, y = point
        (ax, ay), (bx, by) = self.points.T, np.roll(self.points, -1, axis=0).T
        spans = (ay > y) != (by > y)
        rise = np.where(spans, by - ay, 1)
        return bool(np.count_nonzero(spans & (x < ax + (y - ay) * (bx - ax) / rise)) % 2)
