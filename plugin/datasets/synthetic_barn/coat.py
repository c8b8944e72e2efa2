"""Coats of cattle: patches, faces, muzzles."""
from dataclasses import dataclass

import numpy as np

from .canvas import in_rgb, ramp, rough_noise, smooth_noise

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Breed:
    """Colours (RGB) of a breed.

    ``patches`` is the share of the body in the ``second`` colour, ``ridge`` how far the line
    of the back differs (above 1 lighter), ``face`` the colour of the head (None: as the body).
    """

    main: Colour
    second: Colour
    patches: float
    muzzle: Colour
    face: Colour | None
    ridge: float
    weight: float

    @property
    def pied(self) -> bool:
        """Whether the second colour is white, in patches with a sharp edge."""
        return min(self.second) > 200


BREEDS: dict[str, Breed] = {
    'holstein': Breed((34, 31, 32), (226, 220, 208), 0.5, (92, 78, 76), None, 1.0, 0.34),
    'red holstein': Breed((116, 70, 48), (228, 218, 202), 0.42, (196, 150, 134), None, 1.0, 0.12),
    'simmental': Breed((166, 122, 84), (232, 222, 206), 0.25, (206, 168, 150), (230, 220, 204),
                       1.0, 0.1),
    'brown swiss': Breed((120, 100, 82), (150, 132, 112), 0.2, (70, 62, 58), None, 1.25, 0.12),
    'jersey': Breed((152, 116, 82), (124, 90, 62), 0.25, (66, 54, 48), (118, 88, 64), 1.08, 0.1),
    'angus': Breed((42, 36, 34), (60, 46, 38), 0.3, (40, 36, 36), None, 1.0, 0.08),
    'charolais': Breed((218, 204, 178), (202, 184, 154), 0.3, (206, 168, 150), None, 0.96, 0.08),
    'hereford': Breed((114, 68, 48), (98, 56, 40), 0.2, (204, 166, 148), (226, 218, 204), 1.0,
                      0.06),
}


def choose(rng: np.random.Generator) -> str:
    """Name of a breed, the common ones more often."""
    weights = np.array([breed.weight for breed in BREEDS.values()])
    return str(rng.choice(list(BREEDS), p=weights / weights.sum()))


def _rgb(colour: Colour) -> np.ndarray:
    return np.array(colour, np.float32) / 255


def _spots(rng: np.random.Generator, breed: Breed, parts: dict[str, np.ndarray],
           unit: float) -> np.ndarray:
    """Where the second colour is, (H, W) in [0, 1]: patches with an edge, or soft shading."""
    field = rough_noise(rng, parts['head'].shape, 34 * unit, (1.0, 1.2))
    if not breed.pied:
        level = float(np.quantile(field, 1 - breed.patches))
        return ramp(field, level - 0.3, level + 0.3)
    share = np.clip(breed.patches + rng.normal(0, 0.14), 0.06, 0.85)
    level = float(np.quantile(field, 1 - share))
    # the head of a pied animal is mostly in the main colour, its limbs in the second
    spots = ramp(field, level - 0.025, level + 0.025) * (1 - 0.9 * parts['head'])
    spots = np.maximum(np.maximum(spots, parts['limbs']), parts['switch'])
    return np.maximum(spots, parts['blaze']) if rng.random() < 0.7 else spots


def paint_coat(rng: np.random.Generator, breed: Breed, parts: dict[str, np.ndarray],
               unit: float) -> np.ndarray:
    """Colour of the hair, before light.

    Args:
        rng (np.random.Generator): Source of chance.
        breed (Breed): The colours.
        parts (dict[str, np.ndarray]): (H, W) maps in [0, 1] of ``head``, ``muzzle``, ``blaze``,
            ``ridge``, ``limbs``, ``switch``.
        unit (float): Pixels per unit.

    Returns:
        np.ndarray: (H, W, 3) float32 RGB in [0, 1].
    """
    shape = parts['head'].shape
    main, second = _rgb(breed.main), _rgb(breed.second)
    main *= rng.uniform(0.85, 1.15) * (1 + rng.uniform(-0.03, 0.03, 3))
    spots = _spots(rng, breed, parts, unit)
    coat = main + in_rgb(spots) * (second - main)
    if breed.face is not None:
        wobble = ramp(parts['head'] + 0.5 * (smooth_noise(rng, shape, 8 * unit) - 0.5), 0.4, 0.6)
        coat += in_rgb(wobble) * (_rgb(breed.face) - coat)
    coat *= in_rgb(1 + (breed.ridge - 1) * parts['ridge'])
    coat += in_rgb(0.85 * parts['muzzle']) * (_rgb(breed.muzzle) - coat)
    hair = rough_noise(rng, shape, 3.2 * unit, (0.5, 2.2)) - 0.5
    cloud = rough_noise(rng, shape, 22 * unit) - 0.5
    coat *= in_rgb(1 + 0.28 * hair + 0.22 * cloud)
    return coat + in_rgb(0.035 * hair)


def soil(rng: np.random.Generator, coat: np.ndarray, flank: np.ndarray, unit: float) -> np.ndarray:
    """Dried manure where the animal lies on it: ``flank`` (H, W) in [0, 1]; gives a new coat."""
    dirt = ramp(rough_noise(rng, flank.shape, 13 * unit) + 0.25 * flank, 0.72, 0.9)
    dirt *= rng.uniform(0.1, 0.8) * flank
    return coat + in_rgb(dirt) * (_rgb((96, 80, 54)) - coat)
