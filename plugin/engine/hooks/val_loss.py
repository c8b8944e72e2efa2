"""The loss of the validation set beside its scores."""
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from plugin.evaluation.val_loss import ValidationLoss, losses_of


@HOOKS.register_module()
class ValidationLossHook(Hook):
    """Adds ``loss`` and its parts to the scores of each validation.

    So that ``default_hooks.checkpoint.save_best='loss'`` and early stopping can follow it, and the
    log has ``val/loss``. It comes from the pass that predicts: for a segmentor it costs the loss
    functions, for a detector its heads once more. See
    :class:`~plugin.evaluation.val_loss.ValidationLoss` for what is averaged.

        default_hooks = dict(val_loss=dict(type='ValidationLossHook'))
    """

    def __init__(self) -> None:
        self._losses: Any = None
        self._metric: ValidationLoss | None = None
        self._said = False

    def before_val(self, runner) -> None:
        """Add the loss to what is evaluated."""
        self._losses = losses_of(runner.model)
        if self._losses is None:
            if not self._said:
                runner.logger.info('there is no validation loss: the model has no loss functions '
                                   'or no train_cfg')
            self._said = True
            return
        self._metric = ValidationLoss(self._losses)
        runner.val_loop.evaluator.metrics.append(self._metric)
        # the log would show the mean of the last ten validations of all that is called a loss
        scalars = runner.message_hub.log_scalars
        for name in [name for name in scalars if name.startswith('val/') and 'loss' in name]:
            del scalars[name]

    def after_val(self, runner) -> None:
        """Leave evaluator and model as they were."""
        if self._metric is not None:
            runner.val_loop.evaluator.metrics.remove(self._metric)
            self._losses.close()
        self._losses = self._metric = None
