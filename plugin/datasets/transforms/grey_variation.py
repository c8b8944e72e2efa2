"""Random curves of grey values."""
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS
from scipy.interpolate import PchipInterpolator

from plugin.utils import UserError


@TRANSFORMS.register_module()
class GreyVariation(BaseTransform):
    """Vary brightness and contrast by a smooth curve that never falls.

    O. Ronneberger, P. Fischer, T. Brox, `U-Net <https://arxiv.org/abs/1505.04597>`_, section 3.1,
    asks for robustness to variations of grey values and does not say which. The curve and its
    numbers are those of the plugin for Fiji that the authors published later: black goes to a value
    of ``black``, white to one of ``white`` (0 is black and 1 is white), and three points between
    them, halfway and at the quarters, are drawn so that no piece is flatter or steeper than
    ``slope``. All draws are uniform. The five points are joined by a monotone cubic curve, and what
    leaves 0..1 is cut off.

    Required and modified key: ``img``, (H, W) or (H, W, C), values 0..255; all C channels follow
    one curve.

    Args:
        prob (float): Probability. Defaults to 1.
        black (Sequence[float]): Least and greatest value of black. Defaults to (-0.05, 0.05).
        white (Sequence[float]): Least and greatest value of white. Defaults to (0.95, 1.05).
        slope (Sequence[float]): Least and greatest slope. Defaults to (0.8, 1.2).

    Raises:
        UserError: If ``prob`` is no probability, a pair is no range, or the slopes cannot lead from
            every black to every white.
    """

    def __init__(self, prob: float = 1., black: Sequence[float] = (-0.05, 0.05),
                 white: Sequence[float] = (0.95, 1.05),
                 slope: Sequence[float] = (0.8, 1.2)) -> None:
        if not 0 <= prob <= 1:
            raise UserError(f'prob={prob} is no probability: give a number from 0 to 1')
        for name, pair in (('black', black), ('white', white), ('slope', slope)):
            if len(pair) != 2 or pair[0] > pair[1]:
                raise UserError(f'{name}={tuple(pair)} is no range: give two numbers, the smaller '
                                'one first')
        rises = white[0] - black[1], white[1] - black[0]
        if not 0 < slope[0] <= rises[0] <= rises[1] <= slope[1]:
            raise UserError(f'slope={tuple(slope)} does not lead from black={tuple(black)} to '
                            f'white={tuple(white)}: it must be above 0 and hold '
                            f'{rises[0]:.3g}..{rises[1]:.3g}')
        self.prob = prob
        self.black = (black[0], black[1])
        self.white = (white[0], white[1])
        self.slope = (slope[0], slope[1])

    def transform(self, results: dict) -> dict:
        """Vary ``results['img']``, or leave it."""
        if self._sample() >= self.prob:
            return results
        image = results['img']
        values = np.arange(256)
        places = np.linspace(0, 1, 5)
        table = 255 * np.clip(PchipInterpolator(places, self._sample_points())(values / 255), 0, 1)
        if image.dtype == np.uint8:
            results['img'] = cv2.LUT(image, np.rint(table).astype(np.uint8))
        else:
            results['img'] = np.interp(image, values, table).astype(image.dtype)
        return results

    @cache_randomness
    def _sample(self) -> float:
        # OpenMMLab's transforms use NumPy's global generator, which is seeded for each position
        return np.random.rand()  # noqa: NPY002

    @cache_randomness
    def _sample_points(self) -> list[float]:
        """Values of the curve at 0, 1/4, 1/2, 3/4 and 1."""
        draw = np.random.uniform  # noqa: NPY002
        left, right = draw(*self.black), draw(*self.white)
        middle = draw(*self._between(left, right, 0.5))
        quarters = [draw(*self._between(*ends, 0.25)) for ends in ((left, middle), (middle, right))]
        return [left, quarters[0], middle, quarters[1], right]

    def _between(self, left: float, right: float, step: float) -> tuple[float, float]:
        """Where the slopes allow the point halfway between two others, ``step`` away from each."""
        least, greatest = (slope * step for slope in self.slope)
        return (max(left + least, right - greatest), min(left + greatest, right - least))

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(prob={self.prob}, black={self.black}, white={self.white}, '
                f'slope={self.slope})')
