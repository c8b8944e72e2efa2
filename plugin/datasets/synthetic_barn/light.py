"""Light in the barn, and the photograph that a camera takes of it."""
from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import in_rgb, polygon_mask, smooth_noise

_TONES = {'day': (1.0, 1.0, 1.0), 'lamp': (1.08, 0.97, 0.78), 'dusk': (0.86, 0.94, 1.12),
          'night': (1.0, 1.0, 1.0)}


@dataclass
class Light:
    """``direction`` (3,) towards the light, ``offset`` (2,) units of shadow per unit of height,
    ``strength`` of the shadows in [0, 1], ``kind`` of light."""

    direction: np.ndarray
    offset: np.ndarray
    strength: float
    kind: str

    @classmethod
    def sample(cls, rng: np.random.Generator) -> 'Light':
        """A light at random."""
        kind = str(rng.choice(list(_TONES), p=[0.5, 0.28, 0.16, 0.06]))
        azimuth = rng.uniform(0, 2 * np.pi)
        slope = rng.uniform(0.3, 1.0)
        flat = np.array((np.cos(azimuth), np.sin(azimuth)))
        direction = np.append(flat * slope, 1.0)
        strength = rng.uniform(0.3, 0.6) if kind in ('day', 'lamp') else rng.uniform(0.12, 0.3)
        return cls(direction / np.linalg.norm(direction), -flat * slope * 0.75, strength, kind)


def _pools(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Round pools of lamps, (H, W) around 1."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    field = np.full(shape, 0.65, np.float32)
    for _ in range(rng.integers(1, 3)):
        cx, cy = rng.uniform(0, width), rng.uniform(0, height)
        radius = rng.uniform(0.4, 0.8) * max(shape)
        field += 0.65 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius ** 2)
    return field


def _windows(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Patches of sun behind openings in the wall, (H, W) around 1."""
    mask: np.ndarray = np.zeros(shape, np.float32)
    size = min(shape)
    angle, skew = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6)
    across = np.array((np.cos(angle), np.sin(angle)))
    down = np.array((-across[1], across[0])) + skew * across
    origin = rng.uniform(0.1, 0.9, 2) * shape[::-1]
    width, height, step = np.array((rng.uniform(0.16, 0.4), rng.uniform(0.2, 0.7), 0.5)) * size
    for index in range(-2, 3):
        corner = origin + index * step * across
        quad = np.array([corner, corner + width * across, corner + width * across + height * down,
                         corner + height * down])
        np.maximum(mask, polygon_mask(shape, quad), out=mask)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.012 * size)
    return 0.86 + rng.uniform(0.25, 0.55) * mask


@dataclass
class Camera:
    """Light, lens and sensor of one place; the same for all frames of a video.

    ``field`` (H, W) and ``tone`` (3,) multiply the colours, ``gamma`` is their exponent, ``blur``
    in pixels, ``noise`` the deviation of the grain, ``grey`` whether it sees no colours.
    """

    field: np.ndarray
    tone: np.ndarray
    gamma: float
    blur: float
    noise: float
    grey: bool

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int], light: Light) -> 'Camera':
        """A camera at random, for images of H, W pixels."""
        height, width = shape
        field = 0.85 + 0.3 * smooth_noise(rng, shape, 0.7 * max(shape))
        if light.kind == 'lamp':
            field = field * _pools(rng, shape)
        elif light.kind == 'day' and rng.random() < 0.45:
            field = field * _windows(rng, shape)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        away = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 2
        field *= 1 - rng.uniform(0.05, 0.3) * away
        exposure = {'day': 1.12, 'lamp': 1.0, 'dusk': 0.8, 'night': 0.9}[light.kind]
        # white balance errs along the colour of light, hardly towards green
        warm, green = rng.normal(0, 0.035), rng.normal(0, 0.01)
        tone = np.array(_TONES[light.kind], np.float32) * (1 + warm, 1 + green, 1 - warm)
        field = field * exposure * rng.uniform(0.85, 1.15)
        gamma, blur = rng.uniform(0.85, 1.1), rng.uniform(0.3, 0.65)
        noise = rng.uniform(0.006, 0.02) * (1.6 if light.kind in ('dusk', 'night') else 1.0)
        return cls(field, tone.astype(np.float32), gamma, blur, noise, light.kind == 'night')

    def develop(self, rng: np.random.Generator, colour: np.ndarray) -> np.ndarray:
        """One photograph: (H, W, 3) float32 albedo to (H, W, 3) uint8 RGB."""
        photo = colour * in_rgb(self.field) * self.tone
        if self.grey:
            photo = in_rgb(photo @ np.array((0.45, 0.35, 0.2), np.float32))
        photo = photo ** self.gamma
        photo = cv2.GaussianBlur(photo, (0, 0), self.blur)
        photo = photo / (1 + np.maximum(photo - 0.8, 0) * 0.6)
        grain = rng.standard_normal(photo.shape, dtype=np.float32)
        if self.grey:
            grain[:] = grain[..., :1]
        photo += grain * self.noise * np.sqrt(np.maximum(photo, 0.05) + 0.2)
        return np.clip(np.rint(photo * 255), 0, 255).astype(np.uint8)
