"""The forms in which an image may be given: a path, an array, or an image of PIL."""
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
from PIL import ImageOps

from plugin.utils import UserError

Image = str | Path | np.ndarray | PIL.Image.Image

# modes of PIL without colour, with 8 bits or fewer, and with 16
GREY, DEEP = ('1', 'L', 'LA', 'La'), ('I', 'I;16', 'I;16B', 'I;16L', 'I;16N')


def as_array(image: Image, colour: str, read: Callable[[Path], np.ndarray]) -> np.ndarray:
    """An image as a model takes it: whatever the form, the same pixels as of the file.

    Args:
        image (str | Path | np.ndarray | PIL.Image.Image): A file; an array, BGR ``(H, W, 3)``,
            BGRA ``(H, W, 4)`` or grey ``(H, W)`` or ``(H, W, 1)``, uint8; or an image of PIL, which
            is turned as its EXIF data say. What is transparent keeps its colours.
        colour (str): ``color_type`` of the pipeline: ``color``, ``grayscale`` or ``unchanged``;
            with ``_ignore_orientation`` images of PIL are not turned.
        read (callable): Reads a file.

    Returns:
        np.ndarray: uint8, BGR ``(H, W, 3)`` or, for ``grayscale``, ``(H, W)``.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is no image.
    """
    if isinstance(image, (str, Path)):
        return read(Path(image))
    if isinstance(image, PIL.Image.Image):
        image = _from_pil(image, not colour.endswith('ignore_orientation'))
    if not isinstance(image, np.ndarray):
        raise UserError(f'a {type(image).__name__} is no image: give a path, an array or an image '
                        'of PIL, or a list of them')
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or not image.size:
        raise UserError(f'an array of shape {image.shape} and type {image.dtype} is no image: give '
                        'uint8, BGR (H, W, 3) or grey (H, W); several as a list')
    return image if colour == 'unchanged' else _converted(image, colour.startswith('gray'))


def _converted(image: np.ndarray, to_grey: bool) -> np.ndarray:
    channels = image.shape[2] if image.ndim == 3 else 1
    if channels not in (1, 3, 4):
        raise UserError(f'an array of shape {image.shape} is no image: give BGR (H, W, 3) or grey '
                        '(H, W)')
    if channels == 1:
        grey = image.reshape(image.shape[:2])
        return grey if to_grey else np.repeat(grey[..., None], 3, 2)
    image = image[..., :3]
    # OpenCV takes no views that leave channels out
    return (cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY) if to_grey
            else np.ascontiguousarray(image))


def _from_pil(image: PIL.Image.Image, turn: bool) -> np.ndarray:
    """BGR ``(H, W, 3)`` or grey ``(H, W)``, uint8, as OpenCV reads the file."""
    if turn:
        image = ImageOps.exif_transpose(image)
    if image.mode in DEEP:
        # of 16 bits OpenCV keeps the upper 8
        return (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    if image.mode in GREY:
        return np.asarray(image.convert('L'))
    if image.mode == 'F':
        raise UserError('an image of mode F holds floats of any range: give 8 bits, such as '
                        "image.convert('L')")
    return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])
