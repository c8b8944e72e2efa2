"""Floors: concrete, slats, boards, earth and deep straw."""

import cv2
import numpy as np

from .canvas import Canvas, ramp, rough_noise, smooth_noise, strokes

FLOORS = ('concrete', 'slats', 'boards', 'earth', 'straw')
_STRAW = np.array([(216, 186, 126), (198, 164, 102), (228, 205, 154), (172, 137, 82),
                   (150, 117, 70), (238, 221, 180)], np.float32) / 255


def _vary(rng: np.random.Generator, colour: tuple[int, int, int], amount: float) -> np.ndarray:
    tint = np.array(colour, np.float32) / 255
    return tint * (1 + rng.uniform(-amount, amount)) * (1 + rng.uniform(-0.025, 0.025, 3))


def _mottled(rng: np.random.Generator, canvas: Canvas, colour: np.ndarray,
             contrast: float) -> np.ndarray:
    unit = canvas.scale
    blotches = rough_noise(rng, canvas.shape, 60 * unit)
    grit = rough_noise(rng, canvas.shape, 5 * unit) * 0.5
    grit += rng.random(canvas.shape, dtype=np.float32) * 0.25
    field = 1 + contrast * (blotches - 0.5) + 0.5 * contrast * (grit - 0.375)
    return field[..., None] * colour.astype(np.float32)


def _concrete(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    base = _mottled(rng, canvas, _vary(rng, (150, 146, 138), 0.2), 0.55)
    width, height = canvas.extent
    mask = np.zeros(canvas.shape, np.uint8)
    for _ in range(rng.integers(2, 6)):
        steps = rng.normal(0, 9, (24, 2)) + rng.normal(0, 6, 2)
        path = np.cumsum(steps, axis=0) + rng.uniform(0, 1, 2) * (width, height)
        cv2.polylines(mask, [np.rint(path * canvas.scale).astype(np.int32)], False, 255, 1,
                      cv2.LINE_AA)
    # grooves, cut so that the animals do not slip
    gap = rng.uniform(11, 20)
    if rng.random() < 0.6:
        for x in np.arange(rng.uniform(0, gap), width, gap):
            column = int(x * canvas.scale)
            cv2.line(mask, (column, 0), (column, canvas.shape[0]), 150, max(int(canvas.scale), 1))
    crack = cv2.GaussianBlur(mask, (0, 0), 0.35 * canvas.scale).astype(np.float32) / 255
    return base * (1 - 0.4 * crack[..., None])


def _planks(rng: np.random.Generator, canvas: Canvas, pitch: float, gap: float, length: float,
            colour: np.ndarray, grain: float) -> np.ndarray:
    """Planks along x, one every ``pitch`` units, with dark gaps; joints are staggered."""
    width, height = canvas.extent
    x, y = canvas.coordinates((slice(0, canvas.shape[0]), slice(0, canvas.shape[1])))
    row = np.floor(y / pitch).astype(int)
    offset = rng.uniform(0, length, row.max() + 1).astype(np.float32)[row]
    along = (x + offset) / length
    tint = rng.uniform(0.84, 1.12, (row.max() + 1, int(along.max()) + 2)).astype(np.float32)
    base = _mottled(rng, canvas, colour, 0.4)
    base *= tint[row, along.astype(int)][..., None]
    base *= (1 + grain * (rough_noise(rng, canvas.shape, 5 * canvas.scale, (0.5, 9)) - 0.5)
             )[..., None]
    across = np.abs(y - (row + 0.5) * pitch)
    open_gap = ramp(across, pitch / 2 - gap / 2 - 0.4, pitch / 2 - gap / 2 + 0.4)
    joint = ramp(np.abs(along - np.floor(along) - 0.5) * length, length / 2 - 0.9, length / 2 - 0.2)
    # the edge towards the light is bright, the other one dark
    edge = 0.08 * np.sign(y - (row + 0.5) * pitch) * ramp(across, pitch * 0.3, pitch / 2 - gap / 2)
    dark = np.maximum(open_gap, 0.7 * joint)
    return base * ((1 + edge) * (1 - 0.78 * dark))[..., None]


def _dirt(rng: np.random.Generator, canvas: Canvas, base: np.ndarray, amount: float) -> np.ndarray:
    """Wet patches, trodden manure and single pats."""
    unit = canvas.scale
    wet = ramp(rough_noise(rng, canvas.shape, 75 * unit), 0.62 - 0.2 * amount, 0.8)
    base = base * (1 - 0.35 * wet)[..., None]
    smear = ramp(rough_noise(rng, canvas.shape, 34 * unit), 0.68 - 0.25 * amount, 0.78)
    smear *= 0.45 + 0.5 * smooth_noise(rng, canvas.shape, 6 * unit)
    manure = np.array((74, 62, 42), np.float32) / 255 * rng.uniform(0.75, 1.2)
    base += (0.75 * smear)[..., None] * (manure - base)
    pats: np.ndarray = np.zeros(canvas.shape, np.uint8)
    for _ in range(rng.poisson(5 * amount)):
        centre = rng.uniform(0, 1, 2) * (canvas.shape[1], canvas.shape[0])
        for _ in range(6):
            spot = centre + rng.normal(0, 3.2 * unit, 2)
            size = rng.uniform(2.0, 4.6, 2) * unit
            cv2.ellipse(pats, (int(spot[0]), int(spot[1])), (int(size[0]), int(size[1])),
                        float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    pats = cv2.GaussianBlur(pats, (0, 0), 0.5 * unit).astype(np.float32) / 255
    gloss = 0.8 + 0.5 * rough_noise(rng, canvas.shape, 3 * unit)
    return base + pats[..., None] * (manure * gloss[..., None] * 0.85 - base)


def straw(rng: np.random.Generator, canvas: Canvas, image: np.ndarray, cover: np.ndarray,
          count: int, length: float, tone: float) -> None:
    """Strew ``count`` blades into ``image`` (H, W, 3) uint8, in place.

    ``cover`` (H, W) is the chance that a blade stays where it falls, ``length`` is in units,
    ``tone`` the brightness.
    """
    size = np.array((canvas.shape[1], canvas.shape[0]))
    middle = rng.uniform(0, 1, (count, 2)) * size
    kept = rng.random(count) < cover[middle[:, 1].astype(int), middle[:, 0].astype(int)]
    middle = middle[kept]
    angle = rng.uniform(0, np.pi, len(middle))
    half = rng.uniform(0.3, 1.0, len(middle)) * length * canvas.scale / 2
    arm = np.stack([np.cos(angle), np.sin(angle)], 1) * half[:, None]
    bend = middle + rng.normal(0, 0.12, middle.shape) * half[:, None]
    layer = rng.integers(0, 2 * len(_STRAW), len(middle))
    for index in range(2 * len(_STRAW)):
        mine = layer == index
        # every other layer is in the shade of the blades above
        colour = _STRAW[index // 2] * 255 * tone * (0.68 if index % 2 == 0 else 1.0)
        strokes(image, (middle - arm)[mine], (middle + arm)[mine], bend[mine], colour,
                max(int(round(0.5 * canvas.scale)), 1))


def paint_ground(rng: np.random.Generator, canvas: Canvas, floor: str) -> None:
    """Fill the whole canvas with one of :data:`FLOORS`, dirt and straw."""
    # the floor is smooth enough for half the resolution; only the blades need it all
    coarse = Canvas((canvas.shape[0] // 2, canvas.shape[1] // 2), canvas.scale / 2)
    if floor == 'concrete':
        base = _concrete(rng, coarse)
    elif floor == 'slats':
        base = _planks(rng, coarse, rng.uniform(13, 17), rng.uniform(3, 4.5),
                       rng.uniform(90, 140), _vary(rng, (150, 145, 135), 0.2), 0.1)
    elif floor == 'boards':
        base = _planks(rng, coarse, rng.uniform(16, 26), 1.0, rng.uniform(120, 200),
                       _vary(rng, (140, 112, 82), 0.25), 0.5)
    elif floor == 'earth':
        base = _mottled(rng, coarse, _vary(rng, (122, 98, 74), 0.2), 0.7)
    else:
        base = _mottled(rng, coarse, _vary(rng, (158, 126, 82), 0.15), 0.6)
    base = _dirt(rng, coarse, base, rng.uniform(0.2, 1.0))
    area = canvas.extent[0] * canvas.extent[1]
    image = cv2.resize(np.clip(base * 255, 0, 255).astype(np.uint8), canvas.shape[::-1])
    heaps = rough_noise(rng, canvas.shape, 80 * canvas.scale)
    if floor == 'straw':
        thick = ramp(heaps, 0.25, 0.6)
        straw(rng, canvas, image, 0.3 + 0.7 * thick, int(area * 0.05), 10, 0.7)
        straw(rng, canvas, image, 0.25 + 0.75 * thick, int(area * 0.032), 14, 1.0)
    else:
        amount = rng.choice([0.004, 0.015, 0.04])
        straw(rng, canvas, image, ramp(heaps, 0.45, 0.75) + 0.06, int(area * amount), 11, 0.95)
    canvas.colour[:] = image.astype(np.float32) / 255
    canvas.label[:] = 0
