"""What the camera sees of an alley: floor, walls and a post, and the animals between them."""
from collections.abc import Iterable

import numpy as np

from .. import animal, coat
from ..canvas import Canvas, polygon_mask, ramp, rough_noise
from ..furniture import FENCE, Fence, box_points, fence_colour
from ..ground import FLOORS, paint_ground
from ..light import Light
from ..scene import CATTLE, lay_animal
from .walking import Walker

# an animal is lit anew whenever it has turned by so much
_SECTORS = 16
Box = tuple[float, float, float, float]


class Looks:
    """How each animal looks; drawn once for each way that it faces.

    Args:
        seed (np.random.SeedSequence): Animal ``k`` looks the same whenever it is drawn.
        scale (float): Pixels of the canvas per unit.
        light (Light): The light.
    """

    def __init__(self, seed: np.random.SeedSequence, scale: float, light: Light) -> None:
        self._seed, self._scale, self._light = seed, scale, light
        self._sheets: dict[int, dict[int, tuple[np.ndarray, np.ndarray]]] = {}

    def keep(self, numbers: Iterable[int]) -> None:
        """Forget all other animals."""
        self._sheets = {number: self._sheets.get(number, {}) for number in numbers}

    def of(self, walker: Walker) -> tuple[np.ndarray, np.ndarray]:
        """RGBA and the matrix that brings it onto the canvas, as of :func:`animal.render`."""
        step = 2 * np.pi / _SECTORS
        sector = round(walker.heading / step)
        sheets = self._sheets.setdefault(walker.number, {})
        if sector % _SECTORS not in sheets:
            sheets[sector % _SECTORS] = self._draw(walker, sector * step)
        patch, matrix = sheets[sector % _SECTORS]
        off = walker.heading - sector * step
        turn = np.array(((np.cos(off), -np.sin(off)), (np.sin(off), np.cos(off)))) @ matrix
        turn[:, 2] += np.array((walker.x, walker.y)) * self._scale
        return patch, turn

    def _draw(self, walker: Walker, heading: float) -> tuple[np.ndarray, np.ndarray]:
        seed = np.random.SeedSequence(self._seed.entropy,
                                      spawn_key=(*self._seed.spawn_key, walker.number))
        rng = np.random.default_rng(seed)
        pose = animal.Pose(np.zeros(2), heading, walker.length, rng.normal(0, 0.06),
                           rng.normal(0, 0.12), rng.uniform(0.2, 0.8), rng.uniform(0.92, 1.12),
                           False, int(rng.choice([-1, 1])), coat.choose(rng))
        return animal.render(rng, pose, self._scale, self._light.direction)


def _post(rng: np.random.Generator, canvas: Canvas, box: Box) -> None:
    """A pillar of wood or concrete that holds the roof, seen from above."""
    window = canvas.window(*box)
    if window is None:
        return
    x, y = canvas.coordinates(window)
    depth = np.minimum(np.minimum(x - box[0], box[2] - x), np.minimum(y - box[1], box[3] - y))
    colour = np.array(((128, 126, 120), (124, 98, 70))[int(rng.integers(2))], np.float32) / 255
    tone = 0.7 + 0.45 * rough_noise(rng, depth.shape, 9 * canvas.scale)
    tone = tone * (0.72 + 0.28 * ramp(depth, 0.5, 4))
    canvas.paint(window, np.clip(depth * canvas.scale + 0.5, 0, 1), tone[..., None] * colour,
                 FENCE)


class View:
    """A canvas on which each frame is painted anew.

    Args:
        rng (np.random.Generator): Decides floor, walls and light.
        shape (tuple[int, int]): H, W of the canvas in pixels.
        scale (float): Pixels of the canvas per unit.
        walls (tuple[float, float]): y of the upper and the lower fence in units.
        post (Box, optional): x0, y0, x1, y1 of the post in units.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], scale: float,
                 walls: tuple[float, float], post: Box | None) -> None:
        self.canvas = Canvas(shape, scale)
        self.light = Light.sample(rng)
        width = self.canvas.extent[0]
        half, wooden = rng.uniform(3.5, 4.5), bool(rng.random() < 0.35)
        style = (half, rng.uniform(1.75, 2.0) * half, rng.uniform(55, 85), wooden,
                 fence_colour(rng, wooden))
        fences = [Fence(np.array((-20, y)), np.array((width + 20, y)), *style) for y in walls]
        paint_ground(rng, self.canvas, str(rng.choice(FLOORS)))
        for fence in fences:
            self.canvas.cast(fence.outline(self.canvas), self.light.offset, 22,
                             self.light.strength * 0.8, 1.0)
        if post is not None:
            outline = polygon_mask(shape, box_points(post, scale))
            self.canvas.cast(outline, self.light.offset, 40, self.light.strength, 2.0)
        self._floor = self.canvas.colour.copy()
        for fence in fences:
            fence.paint(rng, self.canvas)
        if post is not None:
            _post(rng, self.canvas, post)
        self._above = self.canvas.label == FENCE
        self._built = self.canvas.colour[self._above]

    def paint(self, walkers: list[Walker], looks: Looks) -> list[int]:
        """Paint floor, animals, and what stands above them.

        Animal ``walkers[k]`` has the label ``CATTLE + k``.

        Returns:
            list[int]: Pixels of the canvas that each would cover if nothing lay above it.
        """
        self.canvas.colour[:] = self._floor
        self.canvas.label[:] = 0
        whole = [lay_animal(self.canvas, self.light, *looks.of(walker), CATTLE + place)
                 for place, walker in enumerate(walkers)]
        self.canvas.colour[self._above] = self._built
        self.canvas.label[self._above] = FENCE
        return whole
