"""A whole scene: its layout, its light, and the image of it with labels."""
from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import animal, coat
from .canvas import Canvas, in_rgb
from .furniture import Fence, Trough, fence_colour
from .ground import FLOORS, paint_ground
from .light import Camera, Light

CLASSES = ('ground', 'fence', 'trough', 'cattle')
PALETTE = ((146, 116, 82), (214, 64, 70), (58, 134, 214), (250, 200, 60))
CATTLE = 3


@dataclass
class Scene:
    """An image and its truth.

    ``image`` (H, W, 3) uint8 RGB; ``labels`` (H, W) uint8, the visible class
    0..3; ``animals`` (H, W) int16, 0 where there is none, k + 1 for animal k.
    """

    image: np.ndarray
    labels: np.ndarray
    animals: np.ndarray


@dataclass
class _Layout:
    """What stands in a scene; ``feeding`` holds the places (x, y, heading) of muzzles."""

    fences: list[Fence]
    troughs: list[Trough]
    feeding: list[tuple[float, float, float]]


def _fence(style: Fence, start: tuple[float, float], end: tuple[float, float]) -> Fence:
    return replace(style, start=np.array(start), end=np.array(end))


def _alley(rng: np.random.Generator, extent: tuple[float, float], style: Fence) -> _Layout:
    """A long trough behind a fence, at times with a second fence that divides the pen."""
    width, height = extent
    deep, top = rng.uniform(34, 52), rng.uniform(20, 46)
    line, tilt = top + deep, rng.uniform(-3, 3)
    # the lower rail is on the side of the animals
    style = replace(style, lean=abs(style.lean))
    fences = [_fence(style, (-20, line + 5 + tilt), (width + 20, line + 5 - tilt))]
    if rng.random() < 0.3:
        x = rng.uniform(0.25, 0.75) * width
        fences.append(_fence(style, (x, line + 5), (x + rng.uniform(-5, 5), height + 20)))
    places = [(x, line - 0.35 * deep, -np.pi / 2) for x in np.arange(30, width - 20, 36).tolist()]
    return _Layout(fences, [Trough((-20, top, width + 20, line))], places)


def _pens(rng: np.random.Generator, extent: tuple[float, float], style: Fence) -> _Layout:
    """Two pens with a fence between them, and a trough at the fence."""
    width, height = extent
    y, tilt = rng.uniform(0.3, 0.7) * height, rng.uniform(-6, 6)
    long, deep = rng.uniform(80, 130), rng.uniform(34, 52)
    x = rng.uniform(25, max(width - long - 25, 26))
    side = int(rng.choice([-1, 1]))
    near = y + side * rng.uniform(12, 22)
    far = near + side * deep
    trough = Trough((x, min(near, far), x + long, max(near, far)))
    places = [(x + share * long, far - side * 0.45 * deep, -side * np.pi / 2)
              for share in (0.25, 0.75)]
    # the fence leans away from the trough
    style = replace(style, lean=-side * abs(style.lean))
    return _Layout([_fence(style, (-20, y + tilt), (width + 20, y - tilt))], [trough], places)


def _furnish(rng: np.random.Generator, extent: tuple[float, float]) -> _Layout:
    half = rng.uniform(3.5, 4.5)
    nowhere = np.zeros(2)
    wooden = bool(rng.random() < 0.35)
    style = Fence(nowhere, nowhere, half, rng.uniform(1.75, 2.0) * half, rng.uniform(55, 85),
                  wooden, fence_colour(rng, wooden))
    return (_alley if rng.random() < 0.68 else _pens)(rng, extent, style)


def _pose(rng: np.random.Generator, extent: np.ndarray, feeding: list) -> animal.Pose:
    lying = rng.random() < 0.25
    length = rng.uniform(74, 92) if rng.random() < 0.92 else rng.uniform(48, 60)
    if feeding and rng.random() < 0.55:
        x, y, heading = feeding.pop(int(rng.integers(len(feeding))))
        lying = False
        heading += rng.normal(0, 0.1)
        # the muzzle is where the feed is
        position = np.array((x, y)) + rng.normal(0, 4, 2) \
            - np.array((np.cos(heading), np.sin(heading))) * length * 0.84
        turn, bend = rng.normal(0, 0.15), rng.normal(0, 0.1)
    else:
        position = rng.uniform(-0.02, 1.02, 2) * extent
        heading = rng.uniform(0, 2 * np.pi)
        turn = float(np.clip(rng.normal(0, 0.6), -1.3, 1.3))
        bend = float(np.clip(rng.normal(0, 0.3), -0.7, 0.7))
    return animal.Pose(position, heading, length, bend, turn, rng.uniform(0, 1),
                       rng.uniform(0.92, 1.12), lying, int(rng.choice([-1, 1])), coat.choose(rng))


def _herd(rng: np.random.Generator, canvas: Canvas, light: Light, feeding: list,
          obstacles: np.ndarray, count: int) -> None:
    """Put up to ``count`` animals on the canvas, the later ones over the earlier ones."""
    small = (canvas.shape[0] // 4, canvas.shape[1] // 4)
    taken = np.zeros(small, bool)
    obstacles = cv2.resize(obstacles, small[::-1], interpolation=cv2.INTER_AREA)
    placed = 0
    for _ in range(count * 8):
        if placed == count:
            break
        pose = _pose(rng, np.array(canvas.extent), feeding)
        outline = animal.footprint(pose, small, canvas.scale / 4)
        area = outline.sum() / (canvas.scale / 4) ** 2
        if area < 0.13 * pose.length ** 2 \
                or (outline & taken).sum() > 0.1 * outline.sum() \
                or obstacles[outline].sum() > 0.17 * outline.sum():
            continue
        taken |= outline
        _paint_animal(rng, canvas, light, pose, 3 + placed)
        placed += 1


def _paint_animal(rng: np.random.Generator, canvas: Canvas, light: Light, pose: animal.Pose,
                  label: int) -> None:
    lay_animal(canvas, light, *animal.render(rng, pose, canvas.scale, light.direction), label,
               pose.lying)


def lay_animal(canvas: Canvas, light: Light, patch: np.ndarray, matrix: np.ndarray, label: int,
               lying: bool = False) -> int:
    """Lay an animal, drawn by :func:`animal.render`, and its shadow over what is on the canvas.

    Returns:
        int: Pixels of the canvas that it covers.
    """
    placed = animal.place(canvas, patch, matrix)
    if placed is None:
        return 0
    sheet, window = placed
    alpha = sheet[..., 3]
    origin = (window[0].start, window[1].start)
    canvas.cast(alpha, np.zeros(2), 1.0, 0.42, 4.0, origin)
    canvas.cast(alpha, light.offset, 9.0 if lying else 16.0, light.strength, 1.6, origin)
    canvas.colour[window] *= in_rgb(1 - alpha)
    canvas.colour[window] += sheet[..., :3]
    covered = alpha >= 0.5
    canvas.label[window][covered] = label
    return int(covered.sum())


def majority(label: np.ndarray) -> np.ndarray:
    """Most frequent of each 2x2 block; (2H, 2W) to (H, W)."""
    a, b, c, d = (label[row::2, column::2] for row in (0, 1) for column in (0, 1))
    # if no pair holds without a, then a is as frequent as any
    return np.where((b == c) | (b == d), b, np.where(c == d, c, a))


def draw_scene(seed: np.random.SeedSequence, size: tuple[int, int], zoom: float = 1.0) -> Scene:
    """Draw one scene.

    Args:
        seed (np.random.SeedSequence): Decides everything.
        size (tuple[int, int]): H, W of the image in pixels.
        zoom (float): Below 1 the camera hangs higher: smaller and more animals. Defaults to 1.

    Returns:
        Scene: Image and truth.
    """
    rng = np.random.default_rng(seed)
    quarter = int(rng.integers(4))
    angle = float(np.clip(rng.normal(0, 4), -10, 10))
    shown = np.array(size if quarter % 2 == 0 else size[::-1])
    scale = 2 * min(size) / 256 * rng.uniform(0.95, 1.2) * zoom
    grow = abs(np.sin(np.radians(angle)))
    margin = np.ceil(shown[::-1] * grow).astype(int) + 2
    height, width = (int(extent) for extent in 2 * (shown + margin))
    canvas = Canvas((height, width), scale)
    light = Light.sample(rng)
    layout = _furnish(rng, canvas.extent)
    paint_ground(rng, canvas, str(rng.choice(FLOORS, p=[0.28, 0.22, 0.14, 0.12, 0.24])))
    for trough in layout.troughs:
        canvas.cast(trough.outline(canvas), light.offset, 9, light.strength, 1.2)
        trough.paint(rng, canvas)
    rails = np.zeros(canvas.shape, np.float32)
    for fence in layout.fences:
        outline = fence.outline(canvas)
        canvas.cast(outline, light.offset, 22, light.strength * 0.8, 1.0)
        np.maximum(rails, outline, out=rails)
    blocked = np.maximum(rails, sum(trough.outline(canvas) for trough in layout.troughs))
    count = 0 if rng.random() < 0.08 else int(rng.integers(2, 7))
    _herd(rng, canvas, light, layout.feeding, blocked, round(count / zoom ** 2))
    for fence in layout.fences:
        fence.paint(rng, canvas)
    return _expose(rng, canvas, light, shown, angle, quarter)


def _expose(rng: np.random.Generator, canvas: Canvas, light: Light, shown: np.ndarray,
            angle: float, quarter: int) -> Scene:
    """Turn the canvas, cut the image out of it and take the photograph."""
    height, width = (int(v) for v in 2 * shown)
    centre = (canvas.shape[1] / 2 - 0.5, canvas.shape[0] / 2 - 0.5)
    matrix: np.ndarray = cv2.getRotationMatrix2D(centre, angle, 1.0)
    matrix[:, 2] += (width - canvas.shape[1]) / 2, (height - canvas.shape[0]) / 2
    colour = cv2.warpAffine(canvas.colour, matrix, (width, height), flags=cv2.INTER_LINEAR,
                            borderMode=cv2.BORDER_REFLECT_101)
    label = cv2.warpAffine(canvas.label, matrix, (width, height), flags=cv2.INTER_NEAREST,
                           borderMode=cv2.BORDER_REFLECT_101)
    colour = cv2.resize(colour, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    label = np.rot90(majority(label), quarter)
    colour = np.ascontiguousarray(np.rot90(colour, quarter))
    image = Camera.sample(rng, (colour.shape[0], colour.shape[1]), light).develop(rng, colour)
    labels = np.minimum(label, CATTLE).astype(np.uint8)
    return Scene(image, labels, np.maximum(label - CATTLE + 1, 0).astype(np.int16))
