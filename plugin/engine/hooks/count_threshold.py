"""The threshold of counting that a checkpoint remembers, for its test."""
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from plugin.evaluation import CountMetric, best_threshold


@HOOKS.register_module()
class CountThresholdHook(Hook):
    """Let a test count at the threshold that was best in the validation of its checkpoint.

    Sets the working threshold of each ``CountMetric`` of the test that has no ``score_thr`` of
    its own. Validations are left at 0.5, so that those of a training can be compared.
    """

    def __init__(self) -> None:
        self._threshold: float | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note the threshold of the checkpoint."""
        self._threshold = best_threshold(checkpoint)

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Note the threshold of these weights, for a test that follows in the same run."""
        self._threshold = best_threshold(
            dict(message_hub=dict(log_scalars=runner.message_hub.log_scalars)))

    def before_test(self, runner: Runner) -> None:
        """Hand the threshold to the metrics."""
        for metric in runner.test_loop.evaluator.metrics:
            if isinstance(metric, CountMetric):
                metric.remembered = self._threshold
