"""The threshold of counting that a checkpoint remembers, for its test, and its counts."""
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from plugin.evaluation import CountCalibration, CountMetric, best_threshold
from plugin.evaluation.count_intervals import KEPT_AS


@HOOKS.register_module()
class CountThresholdHook(Hook):
    """Let a test count at the threshold that was best in the validation of its checkpoint.

    Sets the working threshold of each ``CountMetric`` of the test that has no ``score_thr`` of
    its own. Validations are left at 0.5, so that those of a training can be compared. What a
    validation counted is kept in the checkpoint, so that predictions have intervals (see
    :class:`~plugin.evaluation.CountIntervals`), and a test says how many of them are right.
    """

    def __init__(self) -> None:
        self._threshold: float | None = None
        self._counts: CountCalibration | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note the threshold and the counts of the checkpoint."""
        self._threshold = best_threshold(checkpoint)
        self._counts = CountCalibration.of_checkpoint(checkpoint)

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Note those of these weights, for a test that follows in the same run, and keep them."""
        self._threshold = best_threshold(
            dict(message_hub=dict(log_scalars=runner.message_hub.log_scalars)))
        self._counts = next((metric.counted for metric in runner.val_loop.evaluator.metrics
                             if isinstance(metric, CountMetric)), None)
        if self._counts is not None:
            runner.message_hub.update_info(KEPT_AS, self._counts.as_dict())

    def before_test(self, runner: Runner) -> None:
        """Hand threshold and counts to the metrics."""
        for metric in runner.test_loop.evaluator.metrics:
            if isinstance(metric, CountMetric):
                metric.remembered, metric.remembered_counts = self._threshold, self._counts
