"""The Rand score of the ISBI 2012 challenge: whether cells are apart that should be apart."""
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS

from plugin.utils import UserError


class RandScores(NamedTuple):
    """Scores of one image as shares in 0..1.

    Attributes:
        f_score (float): ``V_rand``.
        split (float): Of the pairs that belong together, how many are together.
        merge (float): Of the pairs that are together, how many belong together; NaN without any.
    """

    f_score: float
    split: float
    merge: float


@METRICS.register_module()
class VRandMetric(BaseMetric):
    """``VRand``, ``VRand.split`` and ``VRand.merge`` in percent, means over images.

    The foreground-restricted Rand score after border thinning of I. Arganda-Carreras et al.,
    `Crowdsourcing the creation of image segmentation algorithms for connectomics
    <https://doi.org/10.3389/fnana.2015.00142>`_: a cell that two cells were merged into lowers
    ``merge``, one that was split lowers ``split``, and ``VRand`` is their harmonic mean. See
    :func:`v_rand` for what is counted. The challenge takes the best of several thresholds for the
    probabilities; here the classes count as the model predicts them.

    Args:
        cell_class (int): Id of the cells. Defaults to 1.
        collect_device (str): 'cpu' or 'gpu', where processes exchange results.
        prefix (str, optional): Put before each name, with a slash.
        collect_dir (str, optional): Folder for that exchange, with 'cpu'.
    """

    default_prefix = ''

    def __init__(self, cell_class: int = 1, collect_device: str = 'cpu',
                 prefix: str | None = None, collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.cell_class = cell_class

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score the images of a batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): Samples with ``pred_sem_seg`` and ``gt_sem_seg``, each
                with ``data`` of shape ``(1, H, W)`` or ``(H, W)``.

        Raises:
            UserError: If the truth is missing, or has another size.
        """
        for sample in data_samples:
            name = sample.get('img_path', 'an image without img_path')
            if 'gt_sem_seg' not in sample:
                raise UserError(f'{name} has no truth; load it with LoadAnnotations in the '
                                'pipeline')
            maps = [sample[key]['data'].cpu().numpy() for key in ('pred_sem_seg', 'gt_sem_seg')]
            prediction, truth = (one.reshape(one.shape[-2:]) for one in maps)
            if prediction.shape != truth.shape:
                raise UserError(f'{name}: the prediction has the shape {prediction.shape} and the '
                                f'truth {truth.shape}; predict at the size of the label map')
            self.results.append(v_rand(prediction, truth, cell_class=self.cell_class))

    def compute_metrics(self, results: list[RandScores | None]) -> dict[str, float]:
        """The means over all images that show a cell.

        Args:
            results (list): One entry an image.

        Returns:
            dict: The scores; NaN where no image shows a cell.
        """
        names = ('VRand', 'VRand.split', 'VRand.merge')
        found = np.array([scores for scores in results if scores is not None]).reshape(-1, 3)
        # an image without a merge score has no pair of pixels together, whatever belongs together
        means = [column[~np.isnan(column)].mean() if (~np.isnan(column)).any() else np.nan
                 for column in found.T]
        return {name: float(np.round(100 * mean, 2)) for name, mean in zip(names, means)}


def v_rand(prediction: np.ndarray, truth: np.ndarray, *,
           cell_class: int = 1) -> RandScores | None:
    """Compare two partitions of an image into cells, pair of pixels by pair of pixels.

    The true cells are the 4-connected components of ``cell_class``; only their pixels count, and
    neither membranes nor ignored pixels. The predicted cells are grown by a watershed until lines
    of one pixel part them, so that the width of a drawn membrane does not matter; each pixel of a
    line is a segment of its own. With ``p_ij`` pixels of true cell j in segment i, and pairs of
    different pixels::

        split = sum_ij p_ij (p_ij - 1) / sum_j t_j (t_j - 1)     t_j = sum_i p_ij
        merge = sum_ij p_ij (p_ij - 1) / sum_i s_i (s_i - 1)     s_i = sum_j p_ij

    and ``V_rand`` is their harmonic mean, ``1 - adapted_rand_error`` of scikit-image. (The tool of
    the challenge pairs a pixel with itself as well, which changes nothing that one sees.)

    Args:
        prediction (np.ndarray): Class ids, (H, W).
        truth (np.ndarray): Class ids, (H, W).
        cell_class (int): Id of the cells. Defaults to 1.

    Returns:
        RandScores | None: None if no true cell has two pixels.

    Example:
        >>> import numpy as np
        >>> truth = np.array([[1, 1, 0, 1, 1]])
        >>> v_rand(truth, truth).f_score
        1.0
        >>> v_rand(np.ones_like(truth), truth)  # the membrane is missing: two cells in one
        RandScores(f_score=0.5, split=1.0, merge=0.3333333333333333)
    """
    from skimage.measure import label
    from skimage.metrics import contingency_table
    from skimage.segmentation import watershed
    cells = label(truth == cell_class, connectivity=1)
    found = prediction == cell_class
    segments = watershed((~found).astype(np.uint8), label(found, connectivity=1), connectivity=1,
                         watershed_line=True).astype(np.int64)
    lines = segments == 0
    segments[lines] = segments.max() + 1 + np.arange(lines.sum())
    table = contingency_table(cells, segments, ignore_labels=[0])
    both, true, seen = (_pairs(sizes) for sizes in (
        table.data, np.asarray(table.sum(axis=1)), np.asarray(table.sum(axis=0))))
    if not true:
        return None
    return RandScores(2 * both / (true + seen), both / true, both / seen if seen else math.nan)


def _pairs(sizes: np.ndarray) -> float:
    """Ordered pairs of different pixels within segments of these sizes."""
    return float((sizes * (sizes - 1)).sum())
