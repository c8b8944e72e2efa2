"""Draws the pseudo-labels of an image, the teacher's entropy and the reliable pixels."""
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

from plugin.utils import UserError, atomic_path

from .images import OUTSIDE, check_image, grid, overlay
from .palettes import Colour

OPACITY = 0.85  # of the class colours
# no white, which would not stand out from the page
RELIABLE, UNRELIABLE = (84, 168, 104), (0, 0, 0)
TITLES = ('input', 'entropy', 'reliable', 'pseudo-label')


def draw_pseudo_labels(image: np.ndarray, entropy: np.ndarray, labels: np.ndarray,
                       reliable: np.ndarray, valid: np.ndarray, classes: Sequence[str],
                       palette: Sequence[Colour], path: str | Path) -> None:
    """Draw an image, the teacher's entropy, the reliable pixels and the pseudo-label in a row.

    The entropy goes from dark (0) to bright (ln C, all classes alike). Reliable pixels are green,
    unreliable ones black. What is not valid, as padding, is grey, and has no pseudo-label.

    Args:
        image (np.ndarray): RGB ``(H, W, 3)``, uint8.
        entropy (np.ndarray): ``(H, W)``, in nats.
        labels (np.ndarray): Most probable class of each pixel, ``(H, W)``, integers.
        reliable (np.ndarray): ``(H, W)``, bool: the pixels that are learned from.
        valid (np.ndarray): ``(H, W)``, bool.
        classes (Sequence[str]): ``C`` names; the legend has those that occur.
        palette (Sequence): ``C`` colours ``(red, green, blue)``, 0..255.
        path (str | Path): The PNG to write, whole or not at all.

    Raises:
        OSError: If the file cannot be written.
        UserError: If the maps differ in size from the image.
    """
    check_image(image)
    maps = dict(entropy=entropy, labels=labels, reliable=reliable, valid=valid)
    for name, values in maps.items():
        if values.shape != image.shape[:2]:
            raise UserError(f'{name} is {values.shape} and the image {image.shape[:2]} (height and '
                            'width in pixels); resize one of them to the other')
    outside = np.full((1, 1, 3), OUTSIDE, np.uint8)
    heat = colormaps['inferno'](np.clip(entropy / math.log(max(len(classes), 2)), 0, 1))
    heat = np.where(valid[..., None], (heat[..., :3] * 255).round().astype(np.uint8), outside)
    mask = np.where(reliable[..., None], RELIABLE, UNRELIABLE).astype(np.uint8)
    mask = np.where(valid[..., None], mask, outside)
    shown = np.where(valid, labels, -1)
    row = [image, heat, mask, overlay(image, shown, palette, OPACITY)]
    sheet = grid([row], TITLES, _legend(shown, classes, palette))
    with atomic_path(path) as temporary:
        Image.fromarray(sheet).save(temporary)


def _legend(labels: np.ndarray, classes: Sequence[str], palette: Sequence[Colour]
            ) -> list[tuple[str, Colour]]:
    present = set(np.unique(labels).tolist())
    return [(name, colour) for place, (name, colour)
            in enumerate(zip(classes, palette, strict=False)) if place in present]
