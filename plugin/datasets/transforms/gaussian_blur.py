"""Gaussian blur."""
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError


@TRANSFORMS.register_module()
class RandomGaussianBlur(BaseTransform):
    """Blur an image with some probability.

    Required and modified key: ``img``, ``(H, W)`` or ``(H, W, 3)`` uint8.

    Args:
        prob (float): Probability. Defaults to 0.5.
        sigma (Sequence[float]): Least and greatest standard deviation in pixels, between which
            it is uniform. Defaults to (0.1, 2.0), as in SimCLR and UniMatch.

    Raises:
        UserError: If ``prob`` is outside 0..1, or ``sigma`` no range of positive numbers.
    """

    def __init__(self, prob: float = 0.5, sigma: Sequence[float] = (0.1, 2.0)) -> None:
        if not 0 <= prob <= 1:
            raise UserError(f'prob={prob} is no probability: give a number from 0 to 1')
        if len(sigma) != 2 or not 0 < sigma[0] <= sigma[1]:
            raise UserError(f'sigma={tuple(sigma)} is no range of pixels: give two positive '
                            'numbers, the smaller one first, e.g. (0.1, 2.0)')
        self.prob = prob
        self.sigma = (sigma[0], sigma[1])

    def transform(self, results: dict) -> dict:
        """Blur ``results['img']``, or leave it."""
        if self._sample() < self.prob:
            # OpenCV chooses the size of the kernel by sigma
            results['img'] = cv2.GaussianBlur(results['img'], (0, 0), self._sample_sigma())
        return results

    @cache_randomness
    def _sample(self) -> float:
        # OpenMMLab's transforms use NumPy's global generator, which is seeded for each position
        return np.random.rand()  # noqa: NPY002

    @cache_randomness
    def _sample_sigma(self) -> float:
        return np.random.uniform(*self.sigma)  # noqa: NPY002

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob}, sigma={self.sigma})'
