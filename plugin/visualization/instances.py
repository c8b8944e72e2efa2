"""Draws instances over their image, each in its own colour with outline, number and score."""
import colorsys
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from PIL import Image, ImageDraw

from plugin.utils import UserError

from .images import check_image, load_font

# multiples of the golden ratio never repeat a hue, and successive ones are far apart
HUE_STEP = (5 ** 0.5 - 1) / 2
FIRST_HUE = 0.5  # of number 0; 1 and 2, which most images show, are orange and violet
# the three shades take turns, so that numbers of similar hues differ
SHADES = ((0.75, 1.0), (0.95, 0.95), (0.5, 1.0))


T = TypeVar('T')
D = TypeVar('D')


class _Instance(NamedTuple):
    contours: list[np.ndarray]  # in pixels of the image
    point: tuple[int, int]  # x, y inside the instance
    width: int
    text: str
    colour: tuple[int, int, int]


def instance_colour(number: int) -> tuple[int, int, int]:
    """Colour of an instance, the same for the same number in every image.

    Args:
        number (int): Any integer.

    Returns:
        tuple[int, int, int]: Red, green and blue, 0..255.

    Example:
        >>> instance_colour(1)
        (242, 175, 12)
    """
    saturation, value = SHADES[number % len(SHADES)]
    colour = colorsys.hsv_to_rgb((FIRST_HUE + number * HUE_STEP) % 1, saturation, value)
    red, green, blue = (round(255 * channel) for channel in colour)
    return red, green, blue


def draw_instances(image: np.ndarray, masks: Iterable[np.ndarray],
                   numbers: Sequence[int] | None = None,
                   scores: Sequence[float] | None = None,
                   opacity: float = 0.5) -> np.ndarray:
    """Draw each instance in its own colour, with its outline, number and score.

    Only the pixels inside the box of an instance are processed, so that a hundred instances on an
    image of 4K are fast. An instance without a pixel is left out, and its number with it.

    Args:
        image (np.ndarray): RGB ``(H, W, 3)``, uint8.
        masks (Iterable[np.ndarray]): N masks ``(H, W)``, bool or integers (0: not the instance):
            an array ``(N, H, W)``, a list, or a generator that decodes one at a time.
        numbers (Sequence[int], optional): N numbers, which also choose the colours.
            Defaults to 1..N.
        scores (Sequence[float], optional): N scores, 0..1, written behind the numbers.
        opacity (float): Share of the colour inside an instance, 0 to 1.

    Returns:
        np.ndarray: RGB ``(H, W, 3)``, uint8; the image itself stays as it was.

    Raises:
        UserError: If a mask does not fit the image, numbers or scores do not fit
            the masks, or ``opacity`` is outside 0..1.
    """
    check_image(image)
    if not 0 <= opacity <= 1:
        raise UserError(f'opacity={opacity} is outside 0..1; give the share of the colour')
    canvas, count = np.ascontiguousarray(image).copy(), 0
    instances: list[_Instance] = []
    for count, mask in enumerate(masks, start=1):
        number = _of(numbers, count, 'numbers', count)
        score = _of(scores, count, 'scores', None)
        text = f'{number}' if score is None else f'{number}  {score:.2f}'
        instance = _fill(canvas, _binary(mask, image, count), text, instance_colour(int(number)),
                         opacity)
        if instance is not None:
            instances.append(instance)
    for name, values in (('numbers', numbers), ('scores', scores)):
        if values is not None and len(values) != count:
            raise UserError(f'{len(values)} {name} for {count} masks; give one a mask')
    # outlines and texts are drawn last, so that no other instance covers them
    thickness = max(1, round(max(image.shape[:2]) / 700))
    for instance in instances:
        cv2.drawContours(canvas, instance.contours, -1, instance.colour, thickness)
    return _write_texts(canvas, instances) if instances else canvas


def _of(values: Sequence[T] | None, count: int, name: str, default: D) -> T | D:
    """Number or score of the mask that is the ``count``-th."""
    if values is None:
        return default
    if count > len(values):
        raise UserError(f'{len(values)} {name} for more masks than that; give one a mask')
    return values[count - 1]


def _binary(mask: np.ndarray, image: np.ndarray, count: int) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.shape != image.shape[:2] or mask.dtype.kind not in 'iub':
        raise UserError(f'mask {count} is {mask.dtype} of shape {mask.shape} on an image of '
                        f'shape {image.shape[:2]}; give bool or integers of the same size')
    # OpenCV takes no bool; a view as uint8 costs nothing
    same = mask.dtype.itemsize == 1
    return np.ascontiguousarray(mask).view(np.uint8) if same else (mask != 0).view(np.uint8)


def _fill(canvas: np.ndarray, mask: np.ndarray, text: str, colour: tuple[int, int, int],
          opacity: float) -> _Instance | None:
    """Blend the colour into the canvas and find where outline and text go."""
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return None
    window = mask[top:top + height, left:left + width]
    part = canvas[top:top + height, left:left + width]
    blended = cv2.addWeighted(part, 1 - opacity, np.full_like(part, colour), opacity, 0)
    cv2.copyTo(blended, window, part)
    contours, _ = cv2.findContours(window, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE,
                                   offset=(left, top))
    x, y = _middle(window)
    return _Instance(list(contours), (left + x, top + y), width, text, colour)


def _middle(window: np.ndarray) -> tuple[int, int]:
    """The median pixel of a mask: unlike the centre of gravity it always lies inside."""
    inside = window != 0
    below = inside.sum(axis=1).cumsum()
    row = int(np.searchsorted(below, below[-1] / 2))
    columns = np.flatnonzero(inside[row])
    return int(columns[len(columns) // 2]), row


def _write_texts(canvas: np.ndarray, instances: Sequence[_Instance]) -> np.ndarray:
    """Number and score in the middle of each instance, on a patch of its colour."""
    longest = max(canvas.shape[:2])
    # number and score take two thirds of the width of the median instance
    size = float(np.median([instance.width for instance in instances])) / 6
    font = load_font(int(np.clip(size, 10, max(12, longest / 40))))
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    for instance in instances:
        left, top, right, bottom = draw.textbbox(instance.point, instance.text, font=font,
                                                 anchor='mm')
        # the text of an instance at the border is moved into the image
        right_of = max(0, 2 - left) - max(0, right + 2 - image.width)
        below = max(0, 1 - top) - max(0, bottom + 1 - image.height)
        patch = (left + right_of - 2, top + below - 1, right + right_of + 2, bottom + below + 1)
        draw.rectangle(patch, fill=instance.colour)
        red, green, blue = instance.colour
        dark = 0.299 * red + 0.587 * green + 0.114 * blue > 140
        draw.text((instance.point[0] + right_of, instance.point[1] + below), instance.text,
                  font=font, anchor='mm', fill=(0, 0, 0) if dark else (255, 255, 255))
    return np.array(image)
