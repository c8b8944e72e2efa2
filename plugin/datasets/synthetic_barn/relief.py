"""The shape of an animal as heights over a plane."""

import cv2
import numpy as np


class Relief:
    """Heights over a patch whose x axis runs along an animal, with the tail head at (0, 0).

    Lengths are in trunks; a height of 1 is half the width of a trunk, -1 is no animal.

    Args:
        unit (float): Pixels per trunk length.
    """

    def __init__(self, unit: float) -> None:
        self.unit = unit
        self.shape = (int(1.36 * self.unit) | 1, int(2.15 * self.unit) | 1)
        self.origin = np.array((0.42, 0.68))
        x = (np.arange(self.shape[1], dtype=np.float32) + 0.5) / self.unit - self.origin[0]
        y = (np.arange(self.shape[0], dtype=np.float32) + 0.5) / self.unit - self.origin[1]
        self.x, self.y = x[None, :], y[:, None]
        self.height = np.full(self.shape, -1.0, np.float32)

    def spread(self, part: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
        """A map of a window as a map of the whole patch, 0 elsewhere."""
        whole = np.zeros(self.shape, np.float32)
        whole[window] = part
        return whole

    def window(self, points: np.ndarray, reach: float) -> tuple[slice, slice]:
        """Slices that hold points (P, 2) and ``reach`` around them."""
        low = ((points.min(0) - reach + self.origin) * self.unit).astype(int)
        high = ((points.max(0) + reach + self.origin) * self.unit).astype(int) + 2
        low, high = np.maximum(low, 0), np.maximum(high, 0)
        return slice(low[1], high[1]), slice(low[0], high[0])

    def limb(self, start: np.ndarray, end: np.ndarray, radii: tuple[float, float],
             level: float, rise: float) -> np.ndarray:
        """Add a tapered, rounded bar; gives its own depth map (H, W): 1 at its axis, 0 outside."""
        points = np.stack([start, end])
        window = self.window(points, max(radii))
        # Python's numbers, not NumPy's, keep the arrays in single precision
        (x0, y0), (dx, dy) = start.tolist(), (end - start).tolist()
        x, y = self.x[:, window[1]] - x0, self.y[window[0]] - y0
        along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
        distance = np.hypot(x - along * dx, y - along * dy)
        radius = radii[0] + along * (radii[1] - radii[0])
        inside = 1 - (distance / radius) ** 2
        height = np.where(inside > 0, level + rise * np.sqrt(np.maximum(inside, 0)), -1)
        # a soft skirt keeps the outline anti-aliased
        skirt = np.clip((radius - distance) * self.unit, -1, 0)
        height = np.where(inside > 0, height, skirt)
        np.maximum(self.height[window], height, out=self.height[window])
        return self.spread(np.maximum(inside, 0), window)

    def bump(self, centre: np.ndarray, radius: float, amount: float) -> None:
        """Raise (or dent) the relief around a point."""
        window = self.window(np.stack([centre, centre]), 2.5 * radius)
        x0, y0 = centre.tolist()
        x, y = self.x[:, window[1]] - x0, self.y[window[0]] - y0
        hill = np.exp(-(x ** 2 + y ** 2) / radius ** 2)
        self.height[window] += amount * hill * (self.height[window] > 0)


def lit(height: np.ndarray, unit: float, half: float,
           light: tuple[float, float, float]) -> np.ndarray:
    """Brightness (H, W) of heights lit from ``light``, x, y, z in the frame of the patch.

    ``unit`` is in pixels per trunk length, ``half`` is half the trunk's width in trunk lengths.
    """
    soft = cv2.GaussianBlur(np.maximum(height, 0), (0, 0), 0.014 * unit)
    slope_x = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3) / 8 * half * unit
    slope_y = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3) / 8 * half * unit
    up = 1 / np.sqrt(1 + slope_x ** 2 + slope_y ** 2)
    direct = np.maximum((light[2] - slope_x * light[0] - slope_y * light[1]) * up, 0)
    return 0.3 + 0.34 * up + 0.52 * direct
