"""Scaling by a factor of an image's own size."""
from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError


@TRANSFORMS.register_module()
class RandomScale(BaseTransform):
    """Scale an image and its labels by one factor, drawn anew for each image.

    ``RandomResize`` brings every image to one size, times a factor; this one starts from the size
    that the image has. Labels are scaled by nearest neighbour.

    Required and modified keys: ``img`` ``(H, W)`` or ``(H, W, 3)``, and the label maps named by
    ``seg_fields``. Added keys: ``scale``, ``scale_factor``, ``keep_ratio``, ``img_shape``.

    Args:
        ratio_range (Sequence[float]): Least and greatest factor, between which it is uniform.
        interpolation (str): Of the image: ``'bilinear'``, ``'bicubic'``, ``'area'``,
            ``'nearest'`` or ``'lanczos'``. Defaults to ``'bilinear'``.

    Raises:
        UserError: If ``ratio_range`` is no range of positive numbers.

    Example:
        >>> import numpy as np
        >>> scale = RandomScale(ratio_range=(0.5, 0.5))
        >>> scale(dict(img=np.zeros((60, 81, 3), np.uint8)))['img'].shape
        (30, 40, 3)
    """

    def __init__(self, ratio_range: Sequence[float], interpolation: str = 'bilinear') -> None:
        if len(ratio_range) != 2 or not 0 < ratio_range[0] <= ratio_range[1]:
            raise UserError(f'ratio_range={tuple(ratio_range)} is no range of factors: give two '
                            'positive numbers, the smaller one first, e.g. (0.5, 2.0)')
        self.ratio_range = (ratio_range[0], ratio_range[1])
        self.interpolation = interpolation
        self.resize = TRANSFORMS.build(dict(
            type='Resize', scale=(1, 1), keep_ratio=False, interpolation=interpolation))

    def transform(self, results: dict) -> dict:
        """Scale ``results['img']`` and the label maps."""
        height, width = results['img'].shape[:2]
        factor = self._sample()
        # at least one pixel, whatever the image
        results['scale'] = (max(1, int(factor * width)), max(1, int(factor * height)))
        self.resize.scale = results['scale']
        return self.resize(results)

    @cache_randomness
    def _sample(self) -> float:
        # OpenMMLab's transforms use NumPy's global generator, which is seeded for each position
        return np.random.uniform(*self.ratio_range)  # noqa: NPY002

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(ratio_range={self.ratio_range}, '
                f'interpolation={self.interpolation!r})')
