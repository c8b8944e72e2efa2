"""One video: frames with the outline of every animal, and who crossed the line."""
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from plugin.utils import UserError

from ..light import Camera
from ..scene import CATTLE, majority
from .alley_view import Box, Looks, View
from .crossings import Crossing, Line
from .spec import VideoSpec
from .walking import LANE, STEP, Alley, Walker

# an animal of which fewer pixels are seen is not seen
SMALLEST = 12
_BEFORE, _SEARCH = 40.0, 240.0  # seconds


@dataclass
class Frame:
    """A frame and its truth.

    Attributes:
        time (float): Seconds since the start.
        image (np.ndarray): ``(H, W, 3)`` uint8 RGB.
        animals (np.ndarray): ``(H, W)`` int32, the number of the animal that is seen, or 0.
        visible (dict[int, float]): Share of each seen animal, in the image, that nothing hides.
        crossings (list[Crossing]): New ones.
    """

    time: float
    image: np.ndarray
    animals: np.ndarray
    visible: dict[int, float]
    crossings: list[Crossing]


class Clip:
    """A video that is drawn frame by frame; one frame is in memory.

    Args:
        spec (VideoSpec): What to draw.
        number (int): Which of its videos.

    Attributes:
        gate (np.ndarray): ``(2, 2)`` x, y of both ends of the line in pixels. Seen from the first
            one, animals that walk forward come from the left and go to the right.
        post (list[float]): x0, y0, x1, y1 of the post in pixels.

    Raises:
        UserError: If the line is never free, so that no video could begin.
    """

    def __init__(self, spec: VideoSpec, number: int) -> None:
        self.spec = spec
        self._key = (spec.seed, (3, number))
        rng = self._rng(0)
        self._quarter = int(rng.integers(4))
        size = np.array(spec.size if self._quarter % 2 == 0 else spec.size[::-1])
        # of the canvas, which is twice as fine as the image
        self._scale = 2 * min(spec.size) / 256 * spec.zoom
        self._shape = (2 * int(size[0]), 2 * int(size[1]))
        height, width = (extent / self._scale for extent in self._shape)
        top = float(rng.uniform(0.03, 0.07)) * height
        self._walls = (top, height - top)
        self._line = Line(float(rng.uniform(0.4, 0.6)) * width)
        self._extent = (width, height)
        self._post = self._place_post(rng)
        self._light_turns = (float(rng.uniform(0.08, 0.3)), float(rng.uniform(15, 90)),
                             float(rng.uniform(0, 2 * np.pi)))
        self._skipped = self._start()
        self.gate = self._pixels(self._line.points(self._walls))
        if self._quarter in (2, 3):  # keep the start at the upper or left end
            self.gate = self.gate[::-1]
        corners = self._pixels(np.reshape(self._post, (2, 2)))
        self.post = [*corners.min(0).tolist(), *corners.max(0).tolist()]

    def frames(self) -> Iterator[Frame]:
        """Draw the video; dropped frames are missing."""
        view = View(self._rng(1), self._shape, self._scale, self._walls, self._post)
        looks = Looks(self._sequence(2), self._scale, view.light)
        camera = Camera.sample(self._rng(3), (self._shape[0] // 2, self._shape[1] // 2),
                               view.light)
        grain, alley = self._rng(4), self._alley()
        for _ in range(self._skipped):
            self._go_on(alley)
        crossings = self._line.watch(0.0, alley.walkers)
        for index, dropped in enumerate(self._dropped()):
            if index:
                self._go_on(alley)
                crossings += self._line.watch(index / self.spec.rate, alley.walkers)
            if dropped:
                continue
            yield self._draw(index / self.spec.rate, view, looks, camera, grain, alley.walkers,
                             crossings)
            crossings = []

    def _draw(self, time: float, view: View, looks: Looks, camera: Camera,
              grain: np.random.Generator, walkers: list[Walker],
              crossings: list[Crossing]) -> Frame:
        walkers = sorted(walkers, key=lambda one: one.number)
        looks.keep([walker.number for walker in walkers])
        whole = view.paint(walkers, looks)
        colour = cv2.resize(view.canvas.colour, None, fx=0.5, fy=0.5,
                            interpolation=cv2.INTER_AREA)
        strength, period, phase = self._light_turns
        bright = np.exp(strength * np.sin(2 * np.pi * time / period + phase))
        colour = (colour * bright).astype(np.float32)
        image = camera.develop(grain, colour)
        label = majority(view.canvas.label)
        animals, visible = np.zeros(label.shape, np.int32), {}
        for place, walker in enumerate(walkers):
            seen = label == CATTLE + place
            if seen.sum() >= SMALLEST:
                animals[seen] = walker.number
                visible[walker.number] = min(float(seen.sum()) / (whole[place] / 4), 1.0)
        return Frame(time, np.rot90(image, self._quarter), np.rot90(animals, self._quarter),
                     visible, crossings)

    def forward(self, way: int) -> bool:
        """Whether a crossing of this way is one from the left of the gate to its right."""
        start, end = self._pixels(np.array(((0.0, 50.0), (float(way), 50.0))))
        (dx, dy), (gx, gy) = end - start, self.gate[1] - self.gate[0]
        return bool(gx * dy - gy * dx > 0)

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        """Points (P, 2) in units as pixels of the turned image."""
        x, y = np.asarray(points, float).T * self._scale / 2
        width, height = self._shape[1] / 2, self._shape[0] / 2
        for _ in range(self._quarter):
            x, y = y, width - x
            width, height = height, width
        return np.stack([x, y], 1)

    def _sequence(self, *key: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self._key[0], spawn_key=(*self._key[1], *key))

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(self._sequence(*key))

    def _alley(self) -> Alley:
        return Alley(self._rng(5), self._extent, self._walls, self._line.x, self.spec.animals)

    def _go_on(self, alley: Alley) -> None:
        """One frame further."""
        steps = max(round(1 / self.spec.rate / STEP), 1)
        for _ in range(steps):
            alley.step(1 / self.spec.rate / steps)

    def _place_post(self, rng: np.random.Generator) -> Box:
        """A post: every third stands on the line, the others where it hides an animal whole."""
        width, height = self._extent
        y = float(rng.uniform(0.3, 0.7)) * height
        on_line = rng.random() < 0.34
        half_x = float(rng.uniform(14, 30) if on_line else rng.uniform(20, 62))
        half_y = float(rng.uniform(18, 0.65 * LANE))
        side = int(rng.choice((-1, 1)))
        x = self._line.x + (0.0 if on_line else side * float(rng.uniform(0.2, 0.3)) * width)
        return (x - half_x, y - half_y, x + half_x, y + half_y)

    def _start(self) -> int:
        """Frames to leave out, so that nobody is on the line at the start and at the end."""
        alley, free = self._alley(), []
        rate, frames = self.spec.rate, self.spec.frames
        for k in range(round((_BEFORE + _SEARCH) * rate) + frames):
            free.append(self._line.is_free(alley.walkers))
            start = k - frames + 1
            if start >= _BEFORE * rate and free[start] and free[k]:
                return start
            self._go_on(alley)
        raise UserError(f'with animals={self.spec.animals} the line is never free, so that no '
                        'video can begin or end; ask for fewer animals')

    def _dropped(self) -> Iterator[bool]:
        """Whether each frame is dropped: now and then some in a row, never the first or last."""
        rng, left = self._rng(6), 0
        for index in range(self.spec.frames):
            if left == 0 and rng.random() < 0.012:
                left = int(rng.integers(1, max(round(0.5 * self.spec.rate), 1) + 1))
            dropped = left > 0 and 0 < index < self.spec.frames - 1
            left = max(left - 1, 0)
            yield dropped
