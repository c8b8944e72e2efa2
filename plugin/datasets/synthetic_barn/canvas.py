"""The sheet that a scene is painted on, and the brushes."""

import cv2
import numpy as np

# fixed point digits of OpenCV's drawing functions
_SHIFT = 4


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cell: float,
                 stretch: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """Random hills with a width of about ``cell`` pixels, in [0, 1].

    Args:
        rng (np.random.Generator): Random generator.
        shape (tuple[int, int]): H, W in pixels.
        cell (float): Width of a hill in pixels.
        stretch (tuple[float, float]): Factors on ``cell`` along H and W.

    Returns:
        np.ndarray: (H, W) float32.
    """
    height, width = max(cell * stretch[0], 1.0), max(cell * stretch[1], 1.0)
    grid = rng.random((max(int(shape[0] / height) + 2, 3), max(int(shape[1] / width) + 2, 3)),
                      dtype=np.float32)
    # large hills lose nothing by being computed at a quarter of the size first
    coarse = 4 if min(height, width) >= 16 else 1
    small = (max(shape[1] // coarse, 1), max(shape[0] // coarse, 1))
    if coarse == 1:
        return cv2.resize(grid, small)
    field = cv2.resize(grid, small, interpolation=cv2.INTER_CUBIC)
    return cv2.resize(np.clip(field, 0, 1), (shape[1], shape[0]))


def rough_noise(rng: np.random.Generator, shape: tuple[int, int], cell: float,
                stretch: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """Three octaves of :func:`smooth_noise`, (H, W) float32 in [0, 1]."""
    field = 0.55 * smooth_noise(rng, shape, cell, stretch)
    field += 0.3 * smooth_noise(rng, shape, cell / 2.3, stretch)
    field += 0.15 * smooth_noise(rng, shape, cell / 5.1, stretch)
    return field


def ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Straight line from 0 at ``low`` to 1 at ``high``, flat outside."""
    return np.clip((values - low) / (high - low), 0, 1)


def in_rgb(field: np.ndarray) -> np.ndarray:
    """A map (H, W) three times side by side, (H, W, 3): multiplies faster than ``[..., None]``."""
    return cv2.merge([field, field, field])


def fixed_point(points: np.ndarray) -> np.ndarray:
    """Points (..., 2) in pixels as OpenCV's fixed-point integers."""
    return np.rint(np.asarray(points) * (1 << _SHIFT)).astype(np.int32)


def polygon_mask(shape: tuple[int, int], points: np.ndarray) -> np.ndarray:
    """Filled, anti-aliased polygon: (H, W) float32 in [0, 1] from (P, 2) points in pixels."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [fixed_point(points)], 255, cv2.LINE_AA, _SHIFT)
    return mask.astype(np.float32) / 255


def strokes(image: np.ndarray, starts: np.ndarray, ends: np.ndarray, bends: np.ndarray,
            colour: np.ndarray, thickness: int = 1) -> None:
    """Draw curved blades into ``image`` (H, W, 3) uint8, or a mask (H, W), in place.

    ``starts``, ``ends`` and the middle points ``bends`` are (S, 2) in pixels.
    """
    lines = fixed_point(np.stack([starts, bends, ends], axis=1))
    value = [float(part) for part in np.atleast_1d(colour)]
    cv2.polylines(image, list(lines), False, value, thickness, cv2.LINE_AA, _SHIFT)


class Canvas:
    """An image at twice the final resolution, and what is visible at each pixel.

    Scenes are drawn in units: the short side of the final image is 256 units
    at zoom 1. ``label`` holds 0 ground, 1 fence, 2 trough, 3 + k animal k.

    Args:
        shape (tuple[int, int]): H, W in pixels of the sheet.
        scale (float): Pixels of the sheet per unit.
    """

    def __init__(self, shape: tuple[int, int], scale: float) -> None:
        self.shape = shape
        self.scale = scale
        self.colour = np.zeros((*shape, 3), np.float32)
        self.label = np.zeros(shape, np.int16)

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height in units."""
        return self.shape[1] / self.scale, self.shape[0] / self.scale

    def window(self, x0: float, y0: float, x1: float, y1: float
               ) -> tuple[slice, slice] | None:
        """Slices of the sheet that hold a box in units; None if it lies outside."""
        left, right = max(int(x0 * self.scale), 0), min(int(x1 * self.scale) + 1, self.shape[1])
        top, bottom = max(int(y0 * self.scale), 0), min(int(y1 * self.scale) + 1, self.shape[0])
        if left >= right or top >= bottom:
            return None
        return slice(top, bottom), slice(left, right)

    def coordinates(self, window: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
        """x (1, W) and y (H, 1) in units of the pixel centres of a window."""
        rows, cols = window
        x = (np.arange(cols.start, cols.stop, dtype=np.float32) + 0.5) / self.scale
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) / self.scale
        return x[None, :], y[:, None]

    def paint(self, window: tuple[slice, slice], alpha: np.ndarray, colour: np.ndarray,
              label: int) -> None:
        """Lay ``colour`` over a window; where ``alpha`` is at least half, ``label`` is seen."""
        area = self.colour[window]
        area += in_rgb(alpha.astype(np.float32)) * (colour - area)
        self.label[window][alpha >= 0.5] = label

    def cast(self, alpha: np.ndarray, offset: np.ndarray, height: float, strength: float,
             softness: float, origin: tuple[int, int] = (0, 0)) -> None:
        """Darken what lies under an object.

        Args:
            alpha (np.ndarray): (h, w) outline of the object, at pixel ``origin``.
            offset (np.ndarray): (2,) the way of the shadow in units per unit of height.
            height (float): Height of the object in units.
            strength (float): 0 no shadow, 1 black.
            softness (float): Blur in units.
            origin (tuple[int, int]): Row and column of the outline on the canvas.
        """
        reach = int((np.abs(offset).max() * height + 3 * softness) * self.scale) + 2
        top, left = max(origin[0] - reach, 0), max(origin[1] - reach, 0)
        bottom = min(origin[0] + alpha.shape[0] + reach, self.shape[0])
        right = min(origin[1] + alpha.shape[1] + reach, self.shape[1])
        # a shadow is blurred anyway: half the resolution is enough
        small = (max((right - left) // 2, 1), max((bottom - top) // 2, 1))
        shadow = np.zeros(small[::-1], np.float32)
        for part in (0.25, 0.6, 1.0):
            x, y = offset * height * part * self.scale + (origin[1] - left, origin[0] - top)
            matrix = np.array([[0.5, 0, x / 2], [0, 0.5, y / 2]], np.float32)
            np.maximum(shadow, cv2.warpAffine(alpha, matrix, small), out=shadow)
        shadow = cv2.GaussianBlur(shadow, (0, 0), max(softness * self.scale / 2, 0.3))
        shadow = cv2.resize(shadow, (right - left, bottom - top))
        self.colour[top:bottom, left:right] *= in_rgb(1 - strength * shadow)
