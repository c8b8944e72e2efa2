"""Ending a training that does not get better."""
import math
from typing import Any

from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from mmengine.registry import HOOKS

from plugin.utils import UserError

from ..score_rules import known_rule, told_scores

STATE = 'early_stopping'


@HOOKS.register_module()
class ResumableEarlyStoppingHook(EarlyStoppingHook):
    """An ``EarlyStoppingHook`` whose count survives a kill, and that says when and why it stops.

    The best score and the number of validations since are in each checkpoint. At the end one more
    checkpoint is written, so that a training that was stopped stays stopped when it is resumed,
    unless with more patience than before.

        default_hooks = dict(early_stopping=dict(type='ResumableEarlyStoppingHook', monitor='loss'))

    Args:
        monitor (str): A score of the validation, such as ``loss``, ``mIoU`` or
            ``coco/segm_mAP``.
        patience (int): Validations without a better score after which it ends. Defaults to 5.
        min_delta (float): By how much a score must be better than the best, in its own unit;
            equal is never better. Defaults to 0.
        **kwargs: ``rule``, ``check_finite`` and ``stopping_threshold`` of
            :class:`mmengine.hooks.EarlyStoppingHook`.

    Raises:
        UserError: If ``patience`` is below 1, ``min_delta`` below 0, or ``rule`` is not given and
            does not follow from the name of the score.
    """

    def __init__(self, monitor: str, patience: int = 5, min_delta: float = 0., **kwargs) -> None:
        if patience < 1 or min_delta < 0:
            raise UserError(f'early stopping with patience={patience} and min_delta={min_delta} '
                            'makes no sense: give 1 validation or more, and a delta of 0 or more')
        super().__init__(monitor, patience=patience, min_delta=min_delta, **kwargs)
        self._counted = 0  # iteration of the last validation that was counted

    def _init_rule(self, monitor: str) -> str:
        try:
            return known_rule(monitor) or super()._init_rule(monitor)
        except ValueError as error:
            raise UserError(f'whether {monitor} should rise or fall is not known: set '
                            "rule='greater' or 'less' of the early stopping") from error

    def before_run(self, runner) -> None:
        """Leave the loop alone: a validation on its own has none."""

    def before_train(self, runner) -> None:
        """Take over the count of the checkpoint, and stop at once what was stopped before."""
        state: dict[str, Any] | None = runner.message_hub.runtime_info.get(STATE)
        if not state or state['monitor'] != self.monitor:
            # nothing to go on from, or another score counts now
            runner.message_hub.update_info(STATE, {})
            return
        self.best_score, self.wait_count = state['best'], state['waited']
        self._counted = state['iteration']
        if state['reason'] and self.patience <= state['patience']:
            runner.train_loop.stop_training = True
            runner.logger.info(f'this training was stopped early: {state["reason"]}; it goes on '
                               'with more patience, or without early stopping')

    def after_val_epoch(self, runner, metrics: dict[str, Any]) -> None:
        """Count, and stop where it is time.

        Args:
            runner (Runner): The runner of the training.
            metrics (dict): All scores of the validation.
        """
        if not hasattr(runner._train_loop, 'stop_training'):
            return  # a validation on its own
        if self.monitor not in metrics:
            runner.logger.warning(
                f'early stopping does nothing: {told_scores(self.monitor, metrics)}')
            return
        if runner.iter == self._counted:
            return  # a resumed training validates once more where it goes on
        self._counted, value = runner.iter, float(metrics[self.monitor])
        stop, reason = self._check_stop_condition(value)
        reason = f'at iteration {runner.iter}, because {reason}' if stop else ''
        runner.message_hub.update_info(STATE, dict(
            monitor=self.monitor, best=self.best_score, waited=self.wait_count,
            patience=self.patience, iteration=runner.iter, reason=reason))
        if stop:
            runner.train_loop.stop_training = True
            runner.logger.info(f'stopped early {reason}')
            # weights that are not finite are nothing to go on from
            if math.isfinite(value):
                _save(runner)

    def _check_stop_condition(self, current_score: float) -> tuple:
        """Count one more score; returns whether to stop, and why."""
        name, value = self.monitor, current_score
        if self.check_finite and not math.isfinite(value):
            return True, f'{name} is {value}'
        better = self.rule_map[self.rule]
        # the base class keeps the sign of the direction in it
        if better(value, self.best_score + self.min_delta):
            self.best_score, self.wait_count = value, 0
        else:
            self.wait_count += 1
        if self.stopping_threshold is not None and better(value, self.stopping_threshold):
            return True, f'{name} {value:.4g} has passed {self.stopping_threshold:.4g}'
        if self.wait_count >= self.patience:
            by = f' by {abs(self.min_delta):.4g}' if self.min_delta else ''
            return True, (f'{name} has not been better than {self.best_score:.4g}{by} in '
                          f'{self.wait_count} validations')
        return False, ''


def _save(runner) -> None:
    """Let the checkpoint know how the training ended; the one of this iteration did not yet."""
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            step = runner.epoch if hook.by_epoch else runner.iter
            hook._save_checkpoint_with_step(
                runner, step, meta=dict(epoch=runner.epoch, iter=runner.iter))
            return
