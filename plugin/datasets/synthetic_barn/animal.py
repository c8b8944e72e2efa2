"""One animal seen from above, as a relief that is coloured and lit."""
from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import Canvas, in_rgb, ramp, smooth_noise
from .coat import BREEDS, paint_coat, soil
from .relief import Relief, lit

# half width over the length of the trunk, from the tail head to the shoulders
_TRUNK_S = np.array([-0.02, 0.0, 0.03, 0.08, 0.16, 0.24, 0.33, 0.45, 0.58, 0.7, 0.8, 0.88, 0.95,
                     1.0, 1.04])
_TRUNK_W = np.array([0.0, 0.055, 0.1, 0.135, 0.185, 0.2, 0.195, 0.222, 0.235, 0.22, 0.19, 0.178,
                     0.155, 0.12, 0.0])
# pixels of an animal's own patch per pixel of the canvas, which is fine enough for fewer
_DETAIL = 0.72


@dataclass
class Pose:
    """How an animal stands or lies; lengths in units, angles in radians.

    ``position`` is the middle of the trunk, ``heading`` the way it looks, ``bend`` the curve of
    the back, ``turn`` and ``nod`` the angle and the reach of neck and head.
    """

    position: np.ndarray
    heading: float
    length: float
    bend: float
    turn: float
    nod: float
    girth: float
    lying: bool
    side: int
    breed: str


def _spine(s: float, t: float, bend: float) -> np.ndarray:
    """Point at ``s`` along the back and ``t`` across, (2,) in trunk lengths."""
    if abs(bend) < 1e-3:
        return np.array((s, t))
    angle, radius = bend * (s - 0.5), 1 / bend
    return np.array((0.5 + (radius - t) * np.sin(angle), radius - (radius - t) * np.cos(angle)))


def _trunk_coordinates(relief: Relief, window: tuple[slice, slice], bend: float
                       ) -> tuple[np.ndarray, np.ndarray]:
    """s and t (h, w) of the pixels of a window, the inverse of :func:`_spine`."""
    x, y = np.broadcast_arrays(relief.x[:, window[1]], relief.y[window[0]])
    if abs(bend) < 1e-3:
        return x.copy(), y.copy()
    radius = 1 / bend
    angle = np.arctan2((x - 0.5) * np.sign(bend), (radius - y) * np.sign(bend))
    return angle / bend + 0.5, radius - np.sign(bend) * np.hypot(x - 0.5, radius - y)


def _trunk(rng: np.random.Generator, relief: Relief, pose: Pose) -> dict[str, np.ndarray]:
    window = relief.window(np.array(((-0.05, -0.28), (1.08, 0.28))), 0.14 * abs(pose.bend))
    s, t = _trunk_coordinates(relief, window, pose.bend)
    width = np.interp(s, _TRUNK_S, _TRUNK_W).astype(np.float32) * pose.girth
    width *= 1 + 0.08 * (smooth_noise(rng, s.shape, 0.22 * relief.unit) - 0.5)
    if pose.lying:
        # the belly spreads to the side the animal rests on
        width *= 1 + 0.13 * np.where(t * pose.side > 0, 1, -0.2) * np.exp(-((s - 0.5) / 0.3) ** 2)
    ratio = np.abs(t) / np.maximum(width, 1e-4)
    inside = np.maximum(1 - ratio ** 2, 0)
    edge = (width - np.abs(t)) * relief.unit
    body = np.where(ratio < 1, 0.9 * np.sqrt(inside), np.clip(edge, -1, 0))
    height = relief.height[window]
    np.maximum(height, np.where(width > 0, body, -1), out=height)
    for along, across, radius, amount in (
            (0.2, 0.13, 0.05, 0.13), (0.05, 0.075, 0.035, 0.1), (0.3, 0.12, 0.055, -0.13),
            (0.84, 0.09, 0.07, 0.12), (0.74, 0.12, 0.05, -0.06), (0.11, 0.07, 0.045, -0.07)):
        for side in (-1, 1):
            relief.bump(_spine(along, side * across * pose.girth, pose.bend), radius, amount)
    ribs = 0.018 * np.sin(s * 2 * np.pi * 17) * np.exp(-((s - 0.55) / 0.14) ** 2)
    ribs *= ramp(np.abs(t), 0.06, 0.12)
    spine = 0.07 * np.exp(-(t / 0.018) ** 2) * ramp(s, 0.0, 0.1) * ramp(-s, -1.0, -0.9)
    height += (ribs + spine) * (height > 0.1)
    ridge = np.exp(-(t / 0.05) ** 2) * (ratio < 1)
    flank = ramp(ratio, 0.3, 0.9) * ramp(-s, -0.75, -0.3) * (ratio < 1.1)
    return {'ridge': relief.spread(ridge, window), 'flank': relief.spread(flank, window)}


def _head(rng: np.random.Generator, relief: Relief, pose: Pose) -> dict[str, np.ndarray]:
    """Neck, head, ears; gives maps of head, muzzle, blaze, and spots of eyes and nostrils."""
    base = _spine(0.9, 0, pose.bend)
    ahead = 0.4 * pose.bend
    first, second = ahead + 0.45 * pose.turn, ahead + pose.turn
    middle = base + 0.15 * np.array((np.cos(first), np.sin(first)))
    look = np.array((np.cos(second), np.sin(second)))
    side = np.array((-look[1], look[0]))
    poll = middle + (0.06 + 0.06 * pose.nod) * look
    size = 0.2 + 0.06 * pose.nod
    relief.limb(base, middle, (0.15, 0.118), 0.05, 0.72)
    relief.limb(middle, poll, (0.118, 0.09), 0.05, 0.66)
    for way in (-1, 1):
        root = poll + side * way * 0.055 + look * 0.015
        tip = root + side * way * 0.12 - look * rng.uniform(-0.02, 0.06)
        relief.limb(root, (root + tip) / 2, (0.024, 0.034), 0.3, 0.16)
        relief.limb((root + tip) / 2, tip, (0.034, 0.016), 0.3, 0.16)
        relief.bump((root + tip) / 2, 0.02, -0.12)
    nose = poll + look * size
    brow = poll + look * 0.08
    head = relief.limb(poll, brow, (0.07, 0.082), 0.25, 0.62)
    head = np.maximum(head, relief.limb(brow, nose, (0.082, 0.056), 0.22, 0.6))
    muzzle = relief.limb(nose - look * 0.012, nose + look * 0.012, (0.06, 0.056), 0.2, 0.5)
    window = relief.window(np.stack([poll, nose]), 0.1)
    (x0, y0), (dx, dy) = brow.tolist(), side.tolist()
    across = (relief.x[:, window[1]] - x0) * dx + (relief.y[window[0]] - y0) * dy
    blaze = relief.spread(ramp(-np.abs(across), -0.04, -0.02) * (head[window] > 0.25), window)
    spots = np.zeros(relief.shape, np.uint8)
    for way in (-1, 1):
        for point, radius in ((brow + look * 0.03 + side * way * 0.068, 0.01),
                              (nose + look * 0.03 + side * way * 0.026, 0.007)):
            pixel = np.rint((point + relief.origin) * relief.unit).astype(int)
            cv2.circle(spots, (int(pixel[0]), int(pixel[1])),
                       max(int(round(radius * relief.unit)), 1), 255, -1, cv2.LINE_AA)
    return {'head': ramp(head, 0.0, 0.2), 'muzzle': ramp(muzzle, 0.1, 0.5), 'blaze': blaze,
            'dark': spots.astype(np.float32) / 255}


def _limbs(rng: np.random.Generator, relief: Relief, pose: Pose) -> np.ndarray:
    """Folded legs of a lying animal, feet and hocks of a standing one: (H, W) map."""
    shown = np.zeros(relief.shape, np.float32)

    def leg(a: tuple[float, float], b: tuple[float, float], radii: tuple[float, float]) -> None:
        start, end = (_spine(s, t * pose.side * pose.girth, pose.bend) for s, t in (a, b))
        depth = relief.limb(start, end, radii, 0.02, 0.3)
        np.maximum(shown, ramp(depth, 0, 0.3), out=shown)

    if pose.lying:
        reach = rng.uniform(0, 0.05)
        leg((0.18, 0.17), (0.34, 0.3 + reach), (0.1, 0.06))
        leg((0.34, 0.3 + reach), (0.5, 0.31 + reach), (0.045, 0.026))
        leg((0.86, 0.17), (0.98, 0.24 + reach), (0.06, 0.045))
        leg((0.98, 0.24 + reach), (0.87, 0.3 + reach), (0.036, 0.026))
        if rng.random() < 0.5:
            leg((0.94, -0.1), (1.12, -0.13), (0.05, 0.032))
    else:
        for s, t in ((0.9, 0.15), (0.9, -0.15), (0.1, 0.12), (0.1, -0.12)):
            step = rng.uniform(-0.07, 0.09)
            leg((s, t), (s + step, t * rng.uniform(0.95, 1.2)), (0.045, 0.036))
    return shown


def _tail(rng: np.random.Generator, relief: Relief, pose: Pose) -> np.ndarray:
    """Tail from the rump to one side; gives the map of its switch."""
    swing = rng.uniform(-1, 1)
    points = [_spine(0.04, 0, pose.bend)]
    angle = np.pi + swing * 0.6
    for step in range(5):
        angle += swing * 0.28 + rng.normal(0, 0.08)
        points.append(points[-1] + 0.044 * np.array((np.cos(angle), np.sin(angle))))
        relief.limb(points[-2], points[-1], (0.017 - 0.001 * step, 0.016 - 0.001 * step), 0.35,
                    0.2)
    end = points[-1] + 0.06 * np.array((np.cos(angle), np.sin(angle)))
    return ramp(relief.limb(points[-1], end, (0.012, 0.022), 0.2, 0.2), 0, 0.2)


def render(rng: np.random.Generator, pose: Pose, scale: float, light: np.ndarray
           ) -> tuple[np.ndarray, np.ndarray]:
    """Draw an animal in its own frame.

    Args:
        rng (np.random.Generator): Random generator.
        pose (Pose): How it stands.
        scale (float): Pixels of the canvas per unit.
        light (np.ndarray): (3,) direction towards the light in the canvas's frame.

    Returns:
        tuple[np.ndarray, np.ndarray]: (h, w, 4) float32 RGBA with the colour premultiplied, and
        the (2, 3) matrix that brings its pixels onto the canvas.
    """
    unit = scale * _DETAIL
    relief = Relief(unit * pose.length)
    limbs = _limbs(rng, relief, pose)
    parts = _trunk(rng, relief, pose)
    parts['switch'] = _tail(rng, relief, pose)
    parts['limbs'] = limbs * (relief.height < 0.45)
    parts.update(_head(rng, relief, pose))
    height, parts, corner = _cropped(relief.height, parts)
    coat = paint_coat(rng, BREEDS[pose.breed], parts, unit)
    coat = soil(rng, coat, np.maximum(parts['flank'], parts['limbs']), unit)
    coat = coat * in_rgb(1 - 0.85 * parts['dark']) + 0.02
    c, s = np.cos(pose.heading), np.sin(pose.heading)
    turned = (float(c * light[0] + s * light[1]), float(c * light[1] - s * light[0]),
              float(light[2]))
    shade = lit(height, relief.unit, 0.2 * pose.girth, turned)
    alpha = np.clip(height + 1, 0, 1)
    colour = np.clip(coat * in_rgb(shade), 0.0, 1.2) * in_rgb(alpha)
    patch = cv2.merge([*cv2.split(colour), alpha])
    centre = (np.array((0.5, 0.0)) + relief.origin) * relief.unit - corner
    turn = np.array(((c, -s), (s, c))) / _DETAIL
    shift = pose.position * scale - turn @ centre
    return patch, np.hstack([turn, shift[:, None]])


def footprint(pose: Pose, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Rough outline of an animal, to find it a place: (H, W) bool at ``scale`` pixels a unit."""
    along = np.linspace(0, 1, 9)
    width = np.interp(along, _TRUNK_S, _TRUNK_W) * pose.girth + (0.03 if pose.lying else 0)
    back = [_spine(s, -w, pose.bend) for s, w in zip(along, width, strict=True)]
    front = [_spine(s, w, pose.bend) for s, w in zip(along, width, strict=True)]
    look = 0.4 * pose.bend + 0.8 * pose.turn
    neck = _spine(0.9, 0, pose.bend)
    nose = neck + 0.5 * np.array((np.cos(look), np.sin(look)))
    c, s = np.cos(pose.heading), np.sin(pose.heading)

    def on_sheet(points: list) -> np.ndarray:
        turned = (np.array(points) - (0.5, 0)) @ np.array(((c, s), (-s, c)))
        return np.rint((turned * pose.length + pose.position) * scale).astype(np.int32)

    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [on_sheet(back + front[::-1])], 1)
    cv2.polylines(mask, [on_sheet([neck, nose])], False, 1,
                  max(int(0.17 * pose.length * scale), 1))
    return mask.astype(bool)


def _cropped(height: np.ndarray, parts: dict[str, np.ndarray]
             ) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Cut a relief and its maps to what the animal covers; also the corner x, y of the cut."""
    left, top, columns, rows = cv2.boundingRect((height > -1).astype(np.uint8))
    window = (slice(top, top + rows), slice(left, left + columns))
    parts = {name: part[window] for name, part in parts.items()}
    return height[window], parts, np.array((left, top))


def place(canvas: Canvas, patch: np.ndarray, matrix: np.ndarray
          ) -> tuple[np.ndarray, tuple[slice, slice]] | None:
    """Bring a patch to the canvas.

    Returns:
        tuple[np.ndarray, tuple[slice, slice]] | None: (h, w, 4) and the window of the canvas it
        belongs to; None if the animal lies outside.
    """
    height, width = patch.shape[:2]
    corners = np.array(((0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1))) @ matrix.T
    low, high = corners.min(0) / canvas.scale, corners.max(0) / canvas.scale
    window = canvas.window(*low, *high)
    if window is None:
        return None
    moved = matrix.copy()
    moved[:, 2] -= window[1].start, window[0].start
    size = (window[1].stop - window[1].start, window[0].stop - window[0].start)
    return cv2.warpAffine(patch, moved, size, flags=cv2.INTER_LINEAR), window
