"""Weights of pixels for the loss of U-Net, high in the gaps between touching cells."""
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from plugin.utils import UserError

# where the border term would be less than this, it is left out
NEGLIGIBLE = 1e-7


@TRANSFORMS.register_module()
class BorderWeight(BaseTransform):
    """Weigh each pixel as U-Net does: by its class, and more in the gaps between cells.

    O. Ronneberger, P. Fischer, T. Brox, `U-Net <https://arxiv.org/abs/1505.04597>`_, equation 2::

        w(x) = w_c(x) + w_0 exp(-(d_1(x) + d_2(x))^2 / (2 sigma^2))

    with the distances of a pixel that belongs to no cell to the nearest and to the second nearest
    cell; within cells the second term is 0. See :func:`border_weight`.

    The map becomes one of the ``seg_fields``: transforms that move the label move it as well.
    Where the transform stands before crops, cells outside of the crop count, and where it stands
    behind deformations and resizes, the distances are those of the image that is trained on.
    ``PackWeightedSegInputs`` hands it on to :class:`~plugin.models.decode_heads.UNetHead`.

    Required keys: ``gt_seg_map``, (H, W), and ``seg_fields``. Added key: ``gt_weight_map``,
    (H, W) float32.

    Args:
        cell_class (int): Id of the cells. Defaults to 1.
        w0 (float): Greatest weight of a gap, ``w_0``. Defaults to 10.
        sigma (float): Its width in pixels. Defaults to 5.
        class_weight (str | Sequence[float], optional): ``w_c``: one weight for each class id;
            ``'balanced'``: in each image all classes have the same sum, and the mean is 1;
            None: 1. Defaults to ``'balanced'``.
        connectivity (int): 4 or 8: neighbours that make one cell of pixels. Defaults to 4, with
            which a gap of one pixel that runs aslant separates.
        ignore_index (int): Id of pixels without label, whose weight is 0. Defaults to 255.

    Raises:
        UserError: If a number is out of range.
    """

    def __init__(self, cell_class: int = 1, w0: float = 10., sigma: float = 5.,
                 class_weight: str | Sequence[float] | None = 'balanced',
                 connectivity: int = 4, ignore_index: int = 255) -> None:
        if w0 < 0 or sigma <= 0:
            raise UserError(f'w0={w0} and sigma={sigma} give no weights: w0 must be 0 or more, '
                            'sigma more than 0 pixels')
        if isinstance(class_weight, str) and class_weight != 'balanced':
            raise UserError(f"class_weight={class_weight!r} is unknown: use 'balanced', one "
                            'number a class, or None')
        if connectivity not in (4, 8):
            raise UserError(f'connectivity={connectivity} is no neighbourhood: use 4 or 8')
        self.settings: dict[str, Any] = dict(
            cell_class=cell_class, w0=w0, sigma=sigma, class_weight=class_weight,
            connectivity=connectivity, ignore_index=ignore_index)

    def transform(self, results: dict) -> dict:
        """Add the weights to ``results``."""
        results['gt_weight_map'] = border_weight(results['gt_seg_map'], **self.settings)
        if 'gt_weight_map' not in results['seg_fields']:
            # a new list: the data set may hand out the same one for each image
            results['seg_fields'] = [*results['seg_fields'], 'gt_weight_map']
        return results

    def __repr__(self) -> str:
        return (f'{type(self).__name__}('
                f'{", ".join(f"{key}={value!r}" for key, value in self.settings.items())})')


def border_weight(label: np.ndarray, *, cell_class: int = 1, w0: float = 10., sigma: float = 5.,
                  class_weight: str | Sequence[float] | None = 'balanced',
                  connectivity: int = 4, ignore_index: int = 255) -> np.ndarray:
    """The weights of :class:`BorderWeight`, which has the legend.

    Args:
        label (np.ndarray): Class ids, (H, W).

    Returns:
        np.ndarray: (H, W) float32.

    Raises:
        UserError: If ``class_weight`` lacks a class of the label.

    Example:
        >>> label = np.array([[1, 0, 1]])  # two cells and a gap of one pixel: d_1 = d_2 = 1
        >>> print(border_weight(label, class_weight=None).round(2))
        [[ 1.   10.23  1.  ]]
    """
    weight = class_weights(label, class_weight, ignore_index)
    if w0 > NEGLIGIBLE:
        cells = label == cell_class
        # beyond this distance the term is negligible
        reach = math.ceil(sigma * math.sqrt(2 * math.log(w0 / NEGLIGIBLE)))
        nearest, second = nearest_two(cells, reach, connectivity)
        gap = ~cells & (label != ignore_index) & np.isfinite(second)
        far = (nearest[gap] + second[gap]) / sigma
        weight[gap] += w0 * np.exp(-far ** 2 / 2)
    return weight


def class_weights(label: np.ndarray, class_weight: str | Sequence[float] | None,
                  ignore_index: int) -> np.ndarray:
    """``w_c`` of each pixel, (H, W) float32."""
    ids, places, counts = np.unique(label, return_inverse=True, return_counts=True)
    known = ids != ignore_index
    if class_weight is None:
        values = np.ones(len(ids))
    elif isinstance(class_weight, str):
        values = counts[known].sum() / (max(known.sum(), 1) * counts)
    else:
        unknown = ids[known & (ids >= len(class_weight))]
        if len(unknown):
            raise UserError(f'class_weight has {len(class_weight)} numbers, but the label holds '
                            f'class {unknown[0]}: give one number a class')
        values = np.asarray(class_weight, float)[np.where(known, ids, 0)]
    return np.where(known, values, 0).astype(np.float32)[places].reshape(label.shape)


def nearest_two(cells: np.ndarray, reach: int,
                connectivity: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the nearest and the second nearest connected component.

    Components are taken one by one, each in a window of its bounding box and ``reach`` pixels
    around, and merged into two maps: memory does not grow with their number.

    Args:
        cells (np.ndarray): (H, W) bool.
        reach (int): Pixels. Distances that are greater may be missing.
        connectivity (int): 4 or 8.

    Returns:
        tuple[np.ndarray]: Two (H, W) float32, Euclidean and exact, in pixels between centres;
        infinite where no component is near.
    """
    number, components, boxes, _ = cv2.connectedComponentsWithStats(
        cells.astype(np.uint8), connectivity=connectivity)
    nearest = np.full(cells.shape, np.inf, np.float32)
    second = nearest.copy()
    for component in range(1, number):
        left, top, width, height, _ = boxes[component]
        window = (slice(max(top - reach, 0), top + height + reach),
                  slice(max(left - reach, 0), left + width + reach))
        distance = cv2.distanceTransform((components[window] != component).astype(np.uint8),
                                         cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        near, next_near = nearest[window], second[window]
        np.minimum(next_near, np.maximum(near, distance), out=next_near)
        np.minimum(near, distance, out=near)
    return nearest, second
