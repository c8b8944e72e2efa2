"""Errors of the number of instances in an image, and the best threshold for counting."""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from plugin.utils import UserError
from plugin.utils.counts import count_errors, told_counts

from .count_intervals import CountCalibration
from .count_threshold import DEFAULT_THRESHOLD, best_count_threshold, best_threshold
from .counted import counted, instances_of

__all__ = ['DEFAULT_THRESHOLD', 'CountMetric', 'Counted', 'best_count_threshold', 'best_threshold']
# of each class beside those of all
OF_CLASS = ('MAE', 'RMSE', 'bias', 'constant_MAE', 'skill')


class Counted(NamedTuple):
    """An image: labels of t true instances ``(t, )``, labels and scores of n predictions."""

    truth: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


@METRICS.register_module()
class CountMetric(BaseMetric):
    """Error of the number of instances in an image, and the threshold with the smallest error.

    A prediction counts if its score is at least the working threshold and its mask has a pixel; a
    true instance counts unless it is to be ignored (a crowd). What lies in a region to ignore by
    half of its area or more is not counted, neither predicted nor true; but a prediction that
    matches a true instance counts as that one does
    (:func:`~plugin.evaluation.counted.counted`). Images without instances count like any other.
    ``MAE``, ``RMSE``, ``bias``, ``relative``, ``right`` and ``images`` are the errors,
    ``constant``, ``constant_MAE`` and ``skill`` what they are worth beside always saying one
    number; see :func:`~plugin.utils.counts.count_errors`. ``skill`` and ``relative`` are None
    where they are not defined.

    ``threshold`` is the working threshold; ``best_threshold`` the one that would have given the
    smallest MAE on these images, ``best_MAE`` that MAE. While a model is trained the working
    threshold stays 0.5, so that validations can be compared; ``CountThresholdHook`` gives a
    test the best one of the validation that its checkpoint remembers. A test chooses nothing: its
    own ``best_threshold`` is used by nobody.

    Where the checkpoint of a test remembers the counts of a validation, ``coverage`` is the share
    of images whose true count lies in its 90% interval, and ``interval_width`` the mean of highest
    minus lowest count; see :class:`~plugin.evaluation.CountIntervals`.

    Args:
        score_thr (float, optional): The working threshold. Defaults to the one the checkpoint
            remembers, or 0.5.
        classwise (bool): Also return ``MAE.<class>``, ``RMSE.<class>``, ``bias.<class>``,
            ``constant_MAE.<class>`` and ``skill.<class>``.
        collect_device (str): 'cpu' or 'gpu', where processes exchange results.
        prefix (str, optional): Put before each name, with a slash. Defaults to 'count'.
        collect_dir (str, optional): Folder for that exchange, with 'cpu'.

    Attributes:
        remembered (float, optional): The best threshold of the validation that a checkpoint keeps.
        remembered_counts (CountCalibration, optional): What that validation counted.
        counted (CountCalibration, optional): What the last evaluation counted.

    Raises:
        UserError: If ``score_thr`` is outside 0..1.
    """

    default_prefix = 'count'

    def __init__(self, score_thr: float | None = None, classwise: bool = False,
                 collect_device: str = 'cpu', prefix: str | None = None,
                 collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if score_thr is not None and not 0 <= score_thr <= 1:
            raise UserError(f'score_thr={score_thr} is outside 0..1: give a score, or None for '
                            'the threshold that the checkpoint remembers')
        self.score_thr = score_thr
        self.classwise = classwise
        self.remembered: float | None = None
        self.remembered_counts: CountCalibration | None = None
        self.counted: CountCalibration | None = None

    @property
    def threshold(self) -> float:
        """The working threshold."""
        for value in (self.score_thr, self.remembered):
            if value is not None:
                return value
        return DEFAULT_THRESHOLD

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take the labels and scores of a batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): Samples with ``pred_instances`` (``labels``, ``scores``
                and perhaps ``masks``) and the truth: ``instances``, or ``gt_instances`` and
                ``ignored_instances``.

        Raises:
            UserError: If the truth is missing, or where its regions are.
        """
        for sample in data_samples:
            found, instances = sample['pred_instances'], instances_of(sample)
            size = sample.get('ori_shape')
            kept, there = counted(found, instances, None if size is None else size[:2])
            truth = np.array([one['bbox_label'] for one in instances
                              if not one.get('ignore_flag', 0)], np.int64)
            self.results.append(Counted(
                truth[there], found['labels'].cpu().numpy()[kept],
                found['scores'].cpu().numpy()[kept].astype(np.float64)))

    def compute_metrics(self, results: list[Counted]) -> dict[str, Any]:
        """Compare the counts of all images.

        Args:
            results (list): One entry an image.

        Returns:
            dict: The scores.

        Raises:
            UserError: If there is no image.
        """
        if not results:
            raise UserError('no image was evaluated: look at the data set and its sampler')
        # collecting turns named tuples into plain ones
        images = [Counted(*result) for result in results]
        threshold = self.threshold
        self.counted = CountCalibration([image.scores for image in images],
                                        [len(image.truth) for image in images])
        counts = self.counted.found(threshold)
        errors = count_errors(counts, self.counted.truth)
        found: dict[str, Any] = {**errors, 'threshold': threshold}
        best, error = best_count_threshold(self.counted.scores, self.counted.truth)
        found.update(best_threshold=best, best_MAE=error, **self._coverage(counts))
        if self.classwise:
            for label, name in enumerate(self._classes()):
                own = _errors_of(images, label, threshold)
                found.update({f'{key}.{name}': own[key] for key in OF_CLASS})
        source = ('set by score_thr' if self.score_thr is not None
                  else 'the default' if self.remembered is None else 'kept in the checkpoint')
        print_log(f'counts at the threshold {threshold:.4g} ({source}) are off by '
                  f'{found["MAE"]:.4g} animals an image; {told_counts(errors)}', logger='current')
        return found

    def _coverage(self, counts: Sequence[int]) -> dict[str, float]:
        """How many true counts lie in the intervals that the checkpoint's validation gives."""
        if self.remembered_counts is None or self.counted is None:
            return {}
        intervals = self.remembered_counts.intervals(self.threshold, self.remembered)
        if intervals.reason:
            return {}
        spans = [span for span in map(intervals.of, counts) if span is not None]
        return dict(coverage=float(np.mean(intervals.holds(counts, self.counted.truth))),
                    interval_width=float(np.mean([high - low for low, high in spans])))

    def _classes(self) -> Sequence[str]:
        names = (self.dataset_meta or {}).get('classes')
        if not names:
            raise UserError('the data set names no classes: set metainfo=dict(classes=...) in it')
        return names


def _errors_of(images: Sequence[Counted], label: int, threshold: float) -> dict[str, Any]:
    """Errors of the counts of a class."""
    return count_errors(
        [np.count_nonzero(image.scores[image.labels == label] >= threshold) for image in images],
        [np.count_nonzero(image.truth == label) for image in images])
