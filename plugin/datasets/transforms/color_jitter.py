"""Random colours."""
from typing import NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS
from PIL import Image, ImageEnhance

from plugin.utils import UserError

STEPS = ('brightness', 'contrast', 'saturation', 'hue')


class _Change(NamedTuple):
    """What one image undergoes: factors, a shift of the hue in circles, and their order."""

    factors: dict[str, float]
    order: list[str]


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue, each time all four, in random order.

    So named by SimCLR and UniMatch (`arXiv 2208.09910 <https://arxiv.org/abs/2208.09910>`_), with
    Pillow's operations as there: contrast moves colours away from the mean of the grey image,
    saturation from their own grey value. MMSegmentation's ``PhotoMetricDistortion`` leaves out each
    change every second time, and moves the contrast away from black.

    Required and modified key: ``img``, ``(H, W, 3)`` uint8 BGR; a grey one ``(H, W)`` changes in
    brightness and contrast.

    Args:
        brightness (float): Half of the range of the factor, which is uniform in
            ``[1 - brightness, 1 + brightness]``, cut at 0. Defaults to 0.5.
        contrast (float): Alike. Defaults to 0.5.
        saturation (float): Alike. Defaults to 0.5.
        hue (float): Greatest shift in either direction, in circles, 0..0.5. Defaults to 0.25.

    Raises:
        UserError: If a range is negative, or ``hue`` above 0.5.

    Example:
        >>> import numpy as np
        >>> jitter = ColorJitter(brightness=0, contrast=0, saturation=0, hue=0)
        >>> jitter(dict(img=np.full((1, 1, 3), 7, np.uint8)))['img'].tolist()
        [[[7, 7, 7]]]
    """

    def __init__(self, brightness: float = 0.5, contrast: float = 0.5, saturation: float = 0.5,
                 hue: float = 0.25) -> None:
        self.ranges = dict(brightness=brightness, contrast=contrast, saturation=saturation,
                           hue=hue)
        for name, value in self.ranges.items():
            if value < 0:
                raise UserError(f'{name}={value} is no range: give 0 or more')
        if hue > 0.5:
            raise UserError(f'hue={hue} is more than half a circle: give 0 to 0.5')

    def transform(self, results: dict) -> dict:
        """Change the colours of ``results['img']``."""
        image = results['img']
        change = self._sample()
        picture = Image.fromarray(image if image.ndim == 2 else image[..., ::-1].copy())
        for step in change.order:
            picture = _apply(picture, step, change.factors[step])
        changed = np.asarray(picture)
        results['img'] = changed if image.ndim == 2 else np.ascontiguousarray(changed[..., ::-1])
        return results

    @cache_randomness
    def _sample(self) -> _Change:
        # OpenMMLab's transforms use NumPy's global generator, which is seeded for each position
        factors = {name: np.random.uniform(max(0, 1 - size), 1 + size)  # noqa: NPY002
                   for name, size in self.ranges.items() if name != 'hue'}
        hue = self.ranges['hue']
        factors['hue'] = np.random.uniform(-hue, hue)  # noqa: NPY002
        return _Change(factors, [STEPS[index] for index in np.random.permutation(4)])  # noqa: NPY002

    def __repr__(self) -> str:
        settings = ', '.join(f'{name}={value}' for name, value in self.ranges.items())
        return f'{type(self).__name__}({settings})'


def _apply(picture: Image.Image, step: str, factor: float) -> Image.Image:
    """One change of a picture, RGB or grey."""
    if step == 'brightness':
        return ImageEnhance.Brightness(picture).enhance(factor)
    if step == 'contrast':
        return ImageEnhance.Contrast(picture).enhance(factor)
    if picture.mode == 'L':
        return picture
    if step == 'saturation':
        return ImageEnhance.Color(picture).enhance(factor)
    turn = round(factor * 255)
    if turn == 0:  # the way to HSV and back rounds
        return picture
    hue, *others = picture.convert('HSV').split()
    # 256 steps are a circle: the sum of bytes wraps around as the hue does
    shifted = Image.fromarray(np.asarray(hue) + np.array(turn).astype(np.uint8))
    return Image.merge('HSV', (shifted, *others)).convert('RGB')
