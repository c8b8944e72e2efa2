"""Weights of the classes in the loss, from how often they occur."""
import numpy as np

from plugin.utils import UserError

MODES = ('median', 'inverse')


def class_weights(pixels: np.ndarray, sizes: np.ndarray, mode: str = 'median') -> np.ndarray:
    """Weigh classes by how rare they are.

    ``'median'``: median frequency balancing, ``w_c = median(f) / f_c`` with ``f_c`` the pixels of
    class c divided by the pixels of those images that show it. D. Eigen, R. Fergus, `Predicting
    Depth, Surface Normals and Semantic Labels <https://arxiv.org/abs/1411.4734>`_, section 6.3.3;
    V. Badrinarayanan, A. Kendall, R. Cipolla, `SegNet <https://arxiv.org/abs/1511.00561>`_,
    section 3.2.

    ``'inverse'``: ``w_c = P / (K p_c)`` of K classes that occur, with ``p_c`` the pixels of class
    c and P those of all classes: every class has the same share in the loss, and a pixel weighs 1
    on average.

    Args:
        pixels (np.ndarray): (N, C) pixels of each class in each image.
        sizes (np.ndarray): (N, ) pixels of each image, with those of no class.
        mode (str): ``'median'`` or ``'inverse'``. Defaults to ``'median'``.

    Returns:
        np.ndarray: (C, ) float; 0 for classes that never occur.

    Raises:
        UserError: If the mode is unknown, or no class occurs.
    """
    if mode not in MODES:
        raise UserError(f"mode={mode!r} is unknown: use 'median' or 'inverse'")
    totals = pixels.sum(0).astype(float)
    present = totals > 0
    if not present.any():
        raise UserError('no image shows any of the classes: look at the label maps and at the '
                        'classes of the data set')
    weights = np.zeros(pixels.shape[1])
    if mode == 'inverse':
        weights[present] = totals.sum() / present.sum() / totals[present]
        return weights
    shown = ((pixels > 0) * sizes[:, None]).sum(0)
    frequencies = totals[present] / shown[present]
    weights[present] = np.median(frequencies) / frequencies
    return weights
