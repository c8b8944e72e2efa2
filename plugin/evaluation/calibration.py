"""How far the probabilities of a segmentor are those with which it is right."""
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS
from torch import Tensor

from plugin.models.postprocess import probabilities
from plugin.utils import UserError


@METRICS.register_module()
class CalibrationMetric(BaseMetric):
    """Expected calibration error of pixels, in percent.

    The pixels are put into bins by the probability of their predicted class. Of each bin, the mean
    probability is compared with the share of right pixels::

        ECE = sum_b n_b / n |share_b - probability_b|

    see Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017, equation 3. The bins are
    of equal width, the first from 0 on; all pixels of all images count alike. Test it in one
    process: an image that fills up the last round of several would count twice.

    Args:
        bins (int): Number of bins. Defaults to 15.
        ignore_index (int): Pixels with this id in the truth do not count. Defaults to 255.
        **kwargs: See :class:`mmengine.evaluator.BaseMetric`.
    """

    default_prefix = ''

    def __init__(self, bins: int = 15, ignore_index: int = 255, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if bins < 1:
            raise UserError(f'bins={bins}: give 1 or more')
        self.bins, self.ignore_index = bins, ignore_index

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch; images without truth or without logits are left out.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): With ``seg_logits`` (C, H, W) and ``gt_sem_seg``
                (1, H, W), each in ``data``.
        """
        for sample in data_samples:
            if 'seg_logits' in sample and 'gt_sem_seg' in sample:
                scores = probabilities(sample['seg_logits']['data'].float())
                truth = sample['gt_sem_seg']['data'].reshape(scores.shape[1:])
                self.results.append(calibration_counts(
                    scores, truth.to(scores.device), self.bins, self.ignore_index).cpu())

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """The error from the counts of all images, each (3, bins)."""
        if not results:
            return {}
        return dict(ECE=round(100 * calibration_error(torch.stack(list(results)).sum(0)), 4))


def calibration_counts(scores: Tensor, truth: Tensor, bins: int, ignore_index: int = 255
                       ) -> Tensor:
    """Pixels, sums of probabilities and right pixels of each bin.

    Args:
        scores (Tensor): Probabilities of the classes, (C, H, W).
        truth (Tensor): Ids, (H, W).
        bins (int): Number of bins B of equal width over 0..1.
        ignore_index (int): Pixels with this id do not count.

    Returns:
        Tensor: float64 (3, B).
    """
    confidence, labels = scores.max(0)
    known = truth != ignore_index
    confidence, right = confidence[known].double(), (labels == truth)[known].double()
    place = (confidence * bins).long().clamp(max=bins - 1)
    return torch.stack([torch.bincount(place, weights=weights, minlength=bins)
                        for weights in (torch.ones_like(right), confidence, right)])


def calibration_error(counts: Tensor) -> float:
    """Expected calibration error 0..1 of counts (3, B); NaN where there is no pixel."""
    pixels, confidence, right = counts
    return float((right - confidence).abs().sum() / pixels.sum())
