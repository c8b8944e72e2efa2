"""Fully connected conditional random field: probabilities that follow the edges of the image."""
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from mmseg.registry import MODELS

from plugin.utils import UserError
from plugin.utils.workers import start_context

BILATERAL = dict(weight=4, xy=121, rgb=5)
GAUSSIAN = dict(weight=3, xy=3)
MISSING = ("Failed to import pydensecrf ({}), which DenseCRF needs: install it by "
           "pip install -e '.[crf]' (a C++ compiler builds it)")


@MODELS.register_module()
class DenseCRF:
    r"""Mean field of a dense CRF, by ``pydensecrf2``.

    Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge
    Potentials", NIPS 2011. The energy of labels ``x`` is
    ``sum_i -log P(x_i) + sum_{i<j} [x_i != x_j] k(i, j)`` with the kernel of its eq. 3,

    ``w_1 exp(-|p_i-p_j|^2 / 2 s_a^2 - |I_i-I_j|^2 / 2 s_b^2) + w_2 exp(-|p_i-p_j|^2 / 2 s_g^2)``

    over places ``p`` in pixels and colours ``I`` from 0 to 255. Each kernel is normalised
    symmetrically, ``K_ij / sqrt(sum_k K_ik sum_k K_jk)``, as in the authors' second library, and
    filtered by the permutohedral lattice, which is an approximation. Probabilities below 1e-5
    count as 1e-5.

    Every published DeepLab runs 10 iterations. The papers keep ``w_2 = 3`` and ``s_g = 3`` and
    search ``w_1``, ``s_a``, ``s_b`` on 100 images of VOC's validation set: v1 (ICLR 2015) in
    5..10, 50..100, 3..10; v2 (TPAMI 2017) in 3..6, 30..100, 3..6.
    Values in use for VOC:

    ============================  ========================================  ====================
    network                       bilateral                                 gaussian
    ============================  ========================================  ====================
    DeepLab v1, LargeFOV          ``weight=4, xy=121, rgb=5`` (defaults)    ``weight=3, xy=3``
    DeepLab v1, MSc-LargeFOV      ``weight=4, xy=83, rgb=5``                ``weight=3, xy=3``
    DeepLab v2, VGG16             ``weight=4, xy=65, rgb=3``                ``weight=2, xy=2``
    DeepLab v2, ResNet-101        ``weight=4, xy=67, rgb=3``                ``weight=3, xy=1``
    ============================  ========================================  ====================

    They come from the scripts published with the models, as their PyTorch ports hand them on.

    Args:
        iterations (int): Steps of the mean field; 0 returns the probabilities. Defaults to 10.
        bilateral (dict, optional): What differs from ``BILATERAL``: ``weight`` (``w_1``), ``xy``
            (``s_a``, pixels) and ``rgb`` (``s_b``, grey levels). A weight of 0 leaves it out.
        gaussian (dict, optional): What differs from ``GAUSSIAN``: ``weight`` (``w_2``) and ``xy``
            (``s_g``, pixels).
        jobs (int, optional): Images at a time in :meth:`many`, each in a process of its own.
            Defaults to the cores of this process, shared with others that a launcher started.

    Raises:
        ImportError: If ``pydensecrf2`` is not installed.
        UserError: If a parameter is unknown or out of range.
    """

    def __init__(self, *, iterations: int = 10, bilateral: Mapping[str, float] | None = None,
                 gaussian: Mapping[str, float] | None = None, jobs: int | None = None) -> None:
        _pydensecrf()  # a missing one is known before the first image
        if not isinstance(iterations, int) or iterations < 0:
            raise UserError(f'DenseCRF: iterations={iterations!r} is no number of steps: '
                            'give 0 or more')
        if jobs is not None and jobs < 1:
            raise UserError(f'DenseCRF: jobs={jobs} runs no image: give 1 or more')
        self.iterations, self.jobs = iterations, jobs
        self.bilateral = _parameters('bilateral', BILATERAL, bilateral)
        self.gaussian = _parameters('gaussian', GAUSSIAN, gaussian)

    def __call__(self, probabilities: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Refine the probabilities of one image.

        Args:
            probabilities (np.ndarray): (C, H, W), float, summing to one over C >= 2 classes.
            image (np.ndarray): RGB (H, W, 3), uint8. The exact kernel is the same for BGR, its
                approximation is not.

        Returns:
            np.ndarray: Marginals of the mean field, (C, H, W), float32.

        Raises:
            UserError: If they do not fit each other or are no probabilities.
        """
        _check(probabilities, image)
        if self.iterations == 0:
            return np.array(probabilities, np.float32)
        densecrf, utils = _pydensecrf()
        classes, height, width = probabilities.shape
        field = densecrf.DenseCRF2D(width, height, classes)
        field.setUnaryEnergy(np.ascontiguousarray(
            utils.unary_from_softmax(probabilities.astype(np.float32))))
        near, alike = self.gaussian, self.bilateral
        if near['weight']:
            field.addPairwiseGaussian(sxy=near['xy'], compat=near['weight'])
        if alike['weight']:
            field.addPairwiseBilateral(sxy=alike['xy'], srgb=alike['rgb'], compat=alike['weight'],
                                       rgbim=np.array(image, order='C'))
        marginals = np.array(field.inference(self.iterations), np.float32)
        return marginals.reshape(classes, height, width)

    def many(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
        """Refine several images at a time.

        Args:
            pairs (Sequence): Probabilities and image of each, as for one.

        Returns:
            list[np.ndarray]: The marginals, in the same order.
        """
        jobs = min(self.jobs or usable_cores(), len(pairs))
        if jobs <= 1:
            return [self(*pair) for pair in pairs]
        # processes: pydensecrf keeps Python's lock, so that threads would take turns
        with ProcessPoolExecutor(jobs, start_context()) as pool:
            return list(pool.map(self, *zip(*pairs)))


def usable_cores() -> int:
    """Cores that this process may use, shared with those the launcher started beside it."""
    cores = (len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity')
             else os.cpu_count() or 1)
    return max(1, cores // int(os.environ.get('LOCAL_WORLD_SIZE', 1)))


def _pydensecrf() -> tuple[Any, Any]:
    try:
        from pydensecrf import densecrf, utils
    except ImportError as error:
        raise ImportError(MISSING.format(error)) from error
    return densecrf, utils


def _parameters(name: str, defaults: Mapping[str, float],
                given: Mapping[str, float] | None) -> dict[str, float]:
    unknown = sorted(set(given or {}) - set(defaults))
    if unknown:
        raise UserError(f'DenseCRF: {name} has no parameter {", ".join(unknown)}: it has '
                        f'{", ".join(defaults)}')
    merged = {**defaults, **(given or {})}
    for key, value in merged.items():
        if not value > 0 and not (key == 'weight' and value == 0):
            raise UserError(f'DenseCRF: {name}.{key}={value} is out of range: give more than 0'
                            f'{", or 0 to leave the kernel out" if key == "weight" else ""}')
    return merged


def _check(probabilities: np.ndarray, image: np.ndarray) -> None:
    if probabilities.ndim != 3 or len(probabilities) < 2 or not probabilities.size:
        raise UserError(f'probabilities of shape {probabilities.shape} are not of 2 or more '
                        'classes: give (C, H, W)')
    if probabilities.dtype.kind != 'f':
        raise UserError(f'probabilities of type {probabilities.dtype} are no floats: give floats '
                        'from 0 to 1')
    if image.dtype != np.uint8 or image.shape != (*probabilities.shape[1:], 3):
        raise UserError(f'an image of shape {image.shape} and type {image.dtype} does not '
                        f'fit probabilities of {probabilities.shape}: give uint8 of '
                        f'{(*probabilities.shape[1:], 3)}')
    low, high = float(probabilities.min()), float(probabilities.max())
    # half precision rounds sums; a NaN fails both comparisons
    if not (low >= 0 and high <= 1.01):
        raise UserError(f'probabilities go from {low:.3g} to {high:.3g}: give floats from 0 to '
                        '1, such as the softmax of logits')
