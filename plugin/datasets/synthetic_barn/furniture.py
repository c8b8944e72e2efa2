"""Fences and troughs of a barn."""
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, polygon_mask, ramp, rough_noise, smooth_noise, strokes

FENCE, TROUGH = 1, 2
_FEEDS = {
    'hay': ((150, 142, 84), (122, 122, 70), (176, 164, 104), (98, 96, 54)),
    'silage': ((128, 116, 58), (100, 94, 44), (156, 140, 78), (82, 70, 36)),
    'maize': ((164, 138, 78), (140, 112, 58), (188, 160, 92), (108, 88, 48)),
    'grain': ((150, 112, 70), (126, 90, 54), (176, 136, 88), (98, 70, 44)),
}
_SHELLS = ((138, 136, 130), (112, 118, 124), (122, 98, 72), (84, 96, 88), (160, 158, 152),
           (96, 66, 50))
_TUBES = ((178, 184, 190), (150, 158, 168), (56, 98, 72), (64, 88, 124), (128, 66, 52))
_WOODS = ((138, 112, 84), (112, 92, 72), (158, 132, 100), (96, 80, 66))


def _tint(rng: np.random.Generator, colours: tuple) -> np.ndarray:
    colour = np.array(colours[rng.integers(len(colours))], np.float32) / 255
    return colour * rng.uniform(0.8, 1.15)


def fence_colour(rng: np.random.Generator, wooden: bool) -> np.ndarray:
    """Colour (3,) of wood, or of galvanised or painted tubes."""
    return _tint(rng, _WOODS if wooden else _TUBES)


def box_points(box: tuple[float, float, float, float], scale: float) -> np.ndarray:
    """Corners (4, 2) in pixels of a box (x0, y0, x1, y1) in units."""
    x0, y0, x1, y1 = box
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) * scale


@dataclass
class Trough:
    """A feed trough: ``box`` (x0, y0, x1, y1) in units."""

    box: tuple[float, float, float, float]

    def outline(self, canvas: Canvas) -> np.ndarray:
        """(H, W) float32 mask of the trough."""
        return polygon_mask(canvas.shape, box_points(self.box, canvas.scale))

    def paint(self, rng: np.random.Generator, canvas: Canvas) -> None:
        """Draw shell, inner shadow and feed."""
        window = canvas.window(*self.box)
        if window is None:
            return
        unit = canvas.scale
        x, y = canvas.coordinates(window)
        x0, y0, x1, y1 = self.box
        # how far a pixel lies inside the wall
        depth = np.minimum(np.minimum(x - x0, x1 - x), np.minimum(y - y0, y1 - y))
        rim = rng.uniform(3.0, 5.5)
        shell = _tint(rng, _SHELLS)
        wear = 0.75 + 0.5 * rough_noise(rng, depth.shape, 16 * unit)
        canvas.paint(window, np.clip(depth * unit + 0.5, 0, 1), wear[..., None] * shell, TROUGH)
        feed, level = self._feed(rng, depth.shape, unit)
        bottom = (0.55 * wear)[..., None] * shell
        inside = bottom + level[..., None] * (feed - bottom)
        # the wall keeps light from the feed next to it
        inside *= (0.4 + 0.6 * ramp(depth - rim, 0, 5))[..., None]
        canvas.paint(window, np.clip((depth - rim) * unit + 0.5, 0, 1), inside, TROUGH)

    def _feed(self, rng: np.random.Generator, shape: tuple[int, int], unit: float
              ) -> tuple[np.ndarray, np.ndarray]:
        """Feed (h, w, 3) and how much of the bottom it covers (h, w)."""
        colours = np.array(_FEEDS[str(rng.choice(list(_FEEDS)))], np.float32)
        colours *= rng.uniform(0.8, 1.15)
        heaps = rough_noise(rng, shape, 14 * unit)
        image = np.clip((0.6 + 0.7 * heaps)[..., None] * colours[0], 0, 255).astype(np.uint8)
        count = int(shape[0] * shape[1] / unit ** 2 * 0.45)
        middle = rng.uniform(0, 1, (count, 2)) * shape[::-1]
        angle = rng.uniform(0, np.pi, count)
        arm = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(0.4, 3, (count, 1)) * unit
        bend = middle + rng.normal(0, 0.5, middle.shape) * unit
        heap = heaps[middle[:, 1].astype(int), middle[:, 0].astype(int)] > 0.5
        layer = rng.integers(0, len(colours), count)
        for index, colour in enumerate(colours):
            for light in (False, True):
                mine = (layer == index) & (heap == light)
                strokes(image, (middle - arm)[mine], (middle + arm)[mine], bend[mine],
                        colour * (1.05 if light else 0.75), max(int(round(0.5 * unit)), 1))
        level = ramp(smooth_noise(rng, shape, 26 * unit), 0.08, 0.3)
        return image.astype(np.float32) / 255, level


@dataclass
class Fence:
    """A straight fence from ``start`` to ``end`` (x, y in units).

    ``half_width`` of a rail and ``lean``, the way from the upper to the lower
    rail as the camera sees it, are in units.
    """

    start: np.ndarray
    end: np.ndarray
    half_width: float
    lean: float
    spacing: float
    wooden: bool
    colour: np.ndarray

    def _axes(self) -> tuple[np.ndarray, np.ndarray, float]:
        way = self.end - self.start
        length = float(np.hypot(*way))
        along = way / length
        return along, np.array((-along[1], along[0])), length

    def _quad(self, shift: float, half: float, scale: float) -> np.ndarray:
        along, across, _ = self._axes()
        a, b = self.start + across * shift, self.end + across * shift
        return np.array([a - across * half, b - across * half, b + across * half,
                         a + across * half]) * scale

    def posts(self) -> np.ndarray:
        """Feet of the posts, (P, 2) in units."""
        along, _, length = self._axes()
        return self.start + np.arange(self.spacing * 0.4, length, self.spacing)[:, None] * along

    def outline(self, canvas: Canvas) -> np.ndarray:
        """(H, W) float32 mask of rails and posts."""
        mask = polygon_mask(canvas.shape, self._quad(0, self.half_width, canvas.scale))
        lower = polygon_mask(canvas.shape, self._quad(self.lean, self.half_width * 0.85,
                                                      canvas.scale))
        return np.maximum(mask, lower)

    def paint(self, rng: np.random.Generator, canvas: Canvas) -> None:
        """Draw the lower rail, the posts and the upper rail."""
        self._rail(rng, canvas, self.lean, self.half_width * 0.85, self.colour * 0.72)
        for foot in self.posts():
            self._post(rng, canvas, foot)
        self._rail(rng, canvas, 0, self.half_width, self.colour)

    def _profile(self, across: np.ndarray) -> np.ndarray:
        """Brightness over the width of a rail; ``across`` runs from -1 to 1."""
        if self.wooden:
            return 1.02 - 0.3 * ramp(np.abs(across), 0.7, 1.0) - 0.08 * across
        return 0.55 + 0.6 * np.exp(-((across + 0.3) / 0.5) ** 2)

    def _strip(self, rng: np.random.Generator, canvas: Canvas, origin: np.ndarray,
               along: np.ndarray, length: float, half: float, colour: np.ndarray) -> None:
        """A bar from ``origin`` along ``along``, ``half`` units to each side."""
        tip = origin + along * length
        (ox, oy), (ax, ay) = origin.tolist(), along.tolist()
        low, high = np.minimum(origin, tip) - half - 1, np.maximum(origin, tip) + half + 1
        window = canvas.window(*low, *high)
        if window is None:
            return
        x, y = canvas.coordinates(window)
        s = (x - ox) * ax + (y - oy) * ay
        d = (y - oy) * ax - (x - ox) * ay
        edge = np.minimum(half - np.abs(d), np.minimum(s, length - s))
        alpha = np.clip(edge * canvas.scale + 0.5, 0, 1)
        # grain runs along the bar: noise that is stretched on the axis the bar follows
        flat = abs(ax) > abs(ay)
        stretch = (0.4, 6.0) if flat else (6.0, 0.4)
        grain = rough_noise(rng, alpha.shape, 5 * canvas.scale, stretch)
        rust = ramp(rough_noise(rng, alpha.shape, 14 * canvas.scale), 0.66, 0.78)
        tone = self._profile(d / half) * (0.8 + 0.4 * grain)
        paint = tone[..., None] * colour
        stain = np.array((96, 64, 40), np.float32) / 255 * tone[..., None]
        paint = paint + (0.6 * rust)[..., None] * (stain - paint)
        canvas.paint(window, alpha, paint, FENCE)

    def _rail(self, rng: np.random.Generator, canvas: Canvas, shift: float, half: float,
              colour: np.ndarray) -> None:
        along, across, length = self._axes()
        self._strip(rng, canvas, self.start + across * shift, along, length, half, colour)

    def _post(self, rng: np.random.Generator, canvas: Canvas, foot: np.ndarray) -> None:
        _, across, _ = self._axes()
        sign = 1.0 if self.lean >= 0 else -1.0
        half = self.half_width * 1.35
        self._strip(rng, canvas, foot - across * sign * half, across * sign,
                    abs(self.lean) + 2.4 * half, half, self.colour * 0.88)
