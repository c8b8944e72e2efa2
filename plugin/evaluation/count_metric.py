"""Errors of the number of instances in an image, and the best threshold for counting."""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from plugin.models.weights.teacher import COUNT_THRESHOLD as KEPT_AS
from plugin.utils import UserError

DEFAULT_THRESHOLD = 0.5


class Counted(NamedTuple):
    """An image: labels of t true instances ``(t, )``, labels and scores of n predictions."""

    truth: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


@METRICS.register_module()
class CountMetric(BaseMetric):
    """Error of the number of instances in an image, and the threshold with the smallest error.

    A prediction counts if its score is at least the working threshold; a true instance counts
    unless it is to be ignored (a crowd). Images without instances count like any other. With
    ``d`` = predicted - true of each image: ``MAE`` is the mean of ``|d|``, ``RMSE`` the root of
    the mean of ``d ** 2``, ``bias`` the mean of ``d`` (above 0: too many), all in instances.

    ``threshold`` is the working threshold; ``best_threshold`` the one that would have given the
    smallest MAE on these images, ``best_MAE`` that MAE. While a model is trained the working
    threshold stays 0.5, so that validations can be compared; ``CountThresholdHook`` gives a
    test the best one of the validation that its checkpoint remembers.

    Args:
        score_thr (float, optional): The working threshold. Defaults to the one the checkpoint
            remembers, or 0.5.
        classwise (bool): Also return ``MAE.<class>``, ``RMSE.<class>`` and ``bias.<class>``.
        collect_device (str): 'cpu' or 'gpu', where processes exchange results.
        prefix (str, optional): Put before each name, with a slash. Defaults to 'count'.
        collect_dir (str, optional): Folder for that exchange, with 'cpu'.

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
            data_samples (Sequence[dict]): Samples with ``pred_instances`` (``labels`` and
                ``scores``) and the truth: ``gt_instances`` with ``labels``, or ``instances``.

        Raises:
            UserError: If the truth is missing.
        """
        for sample in data_samples:
            found = sample['pred_instances']
            self.results.append(Counted(
                _true_labels(sample), found['labels'].cpu().numpy(),
                found['scores'].cpu().numpy().astype(np.float64)))

    def compute_metrics(self, results: list[Counted]) -> dict[str, float]:
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
        found = {**_errors(images, threshold), 'threshold': threshold}
        best, error = best_count_threshold([image.scores for image in images],
                                           [len(image.truth) for image in images])
        found.update(best_threshold=best, best_MAE=error)
        if self.classwise:
            for label, name in enumerate(self._classes()):
                own = [Counted(image.truth[image.truth == label], image.labels,
                               image.scores[image.labels == label]) for image in images]
                found.update({f'{key}.{name}': value
                              for key, value in _errors(own, threshold).items()})
        source = ('set by score_thr' if self.score_thr is not None
                  else 'the default' if self.remembered is None else 'kept in the checkpoint')
        print_log(f'counts at the threshold {threshold:.4g} ({source}) are off by '
                  f'{found["MAE"]:.4g} animals an image, bias {found["bias"]:+.4g}; best here: '
                  f'{error:.4g} at {best:.4g}', logger='current')
        return found

    def _classes(self) -> Sequence[str]:
        names = (self.dataset_meta or {}).get('classes')
        if not names:
            raise UserError('the data set names no classes: set metainfo=dict(classes=...) in it')
        return names


def best_count_threshold(scores: Sequence[np.ndarray],
                         truth: Sequence[int]) -> tuple[float, float]:
    """The score threshold at which the counts of the images are nearest to the truth.

    Every threshold is considered, not a grid of them. Among those with the smallest mean
    absolute error the one with the smallest ``|bias|`` is taken, then the highest; it is the
    middle between the two scores that enclose it (or the end of 0..1).

    Args:
        scores (Sequence[np.ndarray]): Scores of the predictions, 0..1, an array ``(n, )`` for
            each of the N images.
        truth (Sequence[int]): True numbers of instances, N.

    Returns:
        tuple[float, float]: The threshold, in 0..1, and the mean absolute error at it.

    Example:
        >>> best_count_threshold([np.array([0.9, 0.25]), np.array([0.75])], truth=[1, 1])
        (0.5, 0.0)
    """
    own = [np.sort(values)[::-1] for values in scores]
    # while an image counts too few, one more prediction reduces its error, and then it adds to it
    steps = [np.where(np.arange(len(values)) < true, -1, 1)
             for values, true in zip(own, truth, strict=True)]
    falling, step = np.concatenate(own).astype(np.float64), np.concatenate(steps)
    order = np.argsort(-falling, kind='stable')
    falling, step = falling[order], step[order]
    total = int(sum(truth))
    # entry m: the m best predictions of all images count
    errors = total + np.concatenate([[0], np.cumsum(step)])
    bias = np.arange(len(falling) + 1) - total
    upper, lower = np.concatenate([[1.0], falling]), np.concatenate([falling, [0.0]])
    # equal scores count together
    possible = np.flatnonzero((upper > lower) | (np.arange(len(upper)) == len(falling)))
    best = possible[np.lexsort((possible, np.abs(bias[possible]), errors[possible]))[0]]
    middle = (upper[best] + lower[best]) / 2
    # between neighbouring floating point numbers there is no middle
    at_end = best == len(falling)
    threshold = middle if middle > lower[best] or at_end else upper[best]
    return float(threshold), float(errors[best] / len(truth))


def best_threshold(checkpoint: dict) -> float | None:
    """The threshold that counted best in the last validation before a checkpoint was written.

    ``best_*.pth`` holds that of its own validation. ``iter_*.pth`` is written before the
    validation of its iteration, and again after it if that was the best so far: otherwise it
    holds that of the validation before.

    Args:
        checkpoint (dict): As MMEngine's ``Runner`` saves it.

    Returns:
        float | None: The threshold, or None where no ``CountMetric`` was evaluated.
    """
    history = checkpoint.get('message_hub', {}).get('log_scalars', {}).get(KEPT_AS)
    return None if history is None else float(history.current())


def _true_labels(sample: dict) -> np.ndarray:
    truth = sample.get('gt_instances', {})
    if 'labels' in truth:
        return truth['labels'].cpu().numpy()
    if 'instances' in sample:
        return np.array([instance['bbox_label'] for instance in sample['instances']
                         if not instance.get('ignore_flag', 0)], dtype=np.int64)
    name = sample.get('img_path', 'an image without img_path')
    raise UserError(f'{name} has no truth to count: keep LoadAnnotations(with_bbox=True) in the '
                    'pipeline of the evaluation')


def _errors(images: Sequence[Counted], threshold: float) -> dict[str, float]:
    differences = np.array([np.count_nonzero(image.scores >= threshold) - len(image.truth)
                            for image in images], dtype=np.float64)
    return {'MAE': float(np.abs(differences).mean()),
            'RMSE': float(np.sqrt((differences ** 2).mean())), 'bias': float(differences.mean())}
