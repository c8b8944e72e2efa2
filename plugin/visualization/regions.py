"""Draws regions to ignore: grey, hatched, and named in a corner."""
from collections.abc import Iterable

import cv2
import numpy as np
from PIL import Image, ImageDraw

from plugin.utils import UserError

from .images import check_image, load_font

GREY = (128, 128, 128)
LEGEND = 'hatched: ignored'
# pixels from one line of the hatching to the next, and their width
STEP, LINE = 8, 2


def draw_regions(image: np.ndarray, masks: Iterable[np.ndarray], opacity: float = 0.4,
                 legend: str = LEGEND) -> np.ndarray:
    """Draw regions to ignore over an image: a grey veil with diagonal lines, and a legend.

    Args:
        image (np.ndarray): RGB ``(H, W, 3)``, uint8.
        masks (Iterable[np.ndarray]): Masks ``(H, W)``, not 0 in the region.
        opacity (float): Share of the grey between the lines, 0 to 1.
        legend (str): Is written into the lower left corner where there is a region; '' writes
            nothing.

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8; the image itself stays as it was.

    Raises:
        UserError: If a mask does not fit the image.
    """
    check_image(image)
    covered = np.zeros(image.shape[:2], bool)
    for mask in masks:
        if np.shape(mask) != covered.shape:
            raise UserError(f'a region of {np.shape(mask)} on an image of {covered.shape}: draw it '
                            'at the size of the image')
        covered |= np.asarray(mask) != 0
    canvas = np.ascontiguousarray(image).copy()
    if not covered.any():
        return canvas
    veiled = cv2.addWeighted(canvas, 1 - opacity, np.full_like(canvas, GREY), opacity, 0)
    rows, columns = np.indices(covered.shape, sparse=True)
    veiled[(rows + columns) % STEP < LINE] = GREY
    canvas[covered] = veiled[covered]
    contours, _ = cv2.findContours(covered.astype(np.uint8), cv2.RETR_CCOMP,
                                   cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, GREY, 1)
    return _with_legend(canvas, legend) if legend else canvas


def _with_legend(canvas: np.ndarray, text: str) -> np.ndarray:
    height, width = canvas.shape[:2]
    font = load_font(int(np.clip(width / 24, 9, 20)))
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = draw.textbbox((3, height - 2), text, font=font, anchor='lb')
    draw.rectangle((left - 3, top - 2, right + 2, bottom + 2), fill=GREY)
    draw.text((3, height - 2), text, font=font, anchor='lb', fill=(255, 255, 255))
    return np.array(image)
