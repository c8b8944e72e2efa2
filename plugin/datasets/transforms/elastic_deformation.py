"""Smooth random deformations."""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError


@TRANSFORMS.register_module()
class ElasticDeformation(BaseTransform):
    """Bend an image and its label like a rubber sheet.

    O. Ronneberger, P. Fischer, T. Brox, `U-Net <https://arxiv.org/abs/1505.04597>`_, section 3.1:
    displacement vectors at the points of a coarse 3 x 3 grid follow a normal distribution
    with a standard deviation of 10 pixels; those of the pixels follow by bicubic interpolation.
    The outermost points of the grid lie on the corners and sides of the image.

    What comes from outside of the image is its mirror image. The image is sampled linearly,
    labels and other ``seg_fields`` at the nearest pixel, all of them at the same places.

    Required and modified keys: ``img``, (H, W) or (H, W, C) uint8 or float32, and the (H, W) maps
    that ``seg_fields`` names.

    Args:
        prob (float): Probability. Defaults to 1.
        sigma (float): Standard deviation of each component of the vectors, in pixels.
            Defaults to 10.
        grid (int): Points of the grid along each side, 2 or more. Defaults to 3.
        seg_pad_val (int, optional): Value of maps where they come from outside of the image,
            e.g. 255. Defaults to None: mirrored like the image.

    Raises:
        UserError: If a number is out of range.
    """

    def __init__(self, prob: float = 1., sigma: float = 10., grid: int = 3,
                 seg_pad_val: int | None = None) -> None:
        if not 0 <= prob <= 1:
            raise UserError(f'prob={prob} is no probability: give a number from 0 to 1')
        if sigma < 0 or grid < 2:
            raise UserError(f'sigma={sigma} and grid={grid} give no deformation: sigma must be 0 '
                            'pixels or more, grid 2 points or more')
        self.prob = prob
        self.sigma = sigma
        self.grid = grid
        self.seg_pad_val = seg_pad_val

    def transform(self, results: dict) -> dict:
        """Deform ``results``, or leave them."""
        if self._sample() >= self.prob:
            return results
        rows, columns = source_places(self._sample_vectors(), results['img'].shape[:2])
        results['img'] = cv2.remap(results['img'], columns, rows, cv2.INTER_LINEAR,
                                   borderMode=cv2.BORDER_REFLECT_101)
        for key in results.get('seg_fields', []):
            results[key] = sample_nearest(results[key], rows, columns, self.seg_pad_val)
        return results

    @cache_randomness
    def _sample(self) -> float:
        # OpenMMLab's transforms use NumPy's global generator, which is seeded for each position
        return np.random.rand()  # noqa: NPY002

    @cache_randomness
    def _sample_vectors(self) -> np.ndarray:
        return np.random.normal(0, self.sigma, (2, self.grid, self.grid))  # noqa: NPY002

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(prob={self.prob}, sigma={self.sigma}, grid={self.grid}, '
                f'seg_pad_val={self.seg_pad_val})')


def source_places(vectors: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of the deformed image comes from.

    Args:
        vectors (np.ndarray): (2, grid, grid), displacements along rows and columns in pixels.
        size (tuple[int, int]): ``(H, W)``.

    Returns:
        tuple[np.ndarray]: Rows and columns, each (H, W) float32.
    """
    coarse = torch.from_numpy(np.asarray(vectors, np.float32))[None]
    fine = F.interpolate(coarse, size, mode='bicubic', align_corners=True)[0].numpy()
    rows, columns = np.mgrid[:size[0], :size[1]].astype(np.float32)
    return rows + fine[0], columns + fine[1]


def sample_nearest(values: np.ndarray, rows: np.ndarray, columns: np.ndarray,
                   outside: int | None = None) -> np.ndarray:
    """The nearest pixel at each place, of any type; beyond the border mirrored or ``outside``."""
    places = [np.rint(found).astype(int) for found in (rows, columns)]
    sides = [(max(-int(nearest.min()), 0), max(int(nearest.max()) - size + 1, 0))
             for nearest, size in zip(places, values.shape)]
    if outside is None:
        extended = np.pad(values, sides, mode='reflect')
    else:
        extended = np.pad(values, sides, constant_values=outside)
    return extended[tuple(nearest + before for nearest, (before, _) in zip(places, sides))]
