"""A training that stops where it cannot learn any more, and says where it does not."""
import math
from pathlib import Path
from typing import Any, NoReturn

import torch
from mmengine.dist import all_gather_object, all_reduce, is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from torch import Tensor

from plugin.evaluation import SegMetric
from plugin.utils import UserError, first_few, write_atomically

from ..watching.losses import LossWatch, Step, files_of
from ..watching.weights import not_finite
from .moments import log_interval

LOWER = ('start anew with a lower optim_wrapper.optimizer.lr, or go on with --resume --cfg-options '
         'optim_wrapper.clip_grad.max_norm=1')
# what is left in the work directory where a training stopped, for programs that start some
STOPPED = 'not_finite.txt'
LOOK = 'look at the labels with tools/check_data.py'


@HOOKS.register_module()
class TrainingWatchHook(Hook):
    """Stops a training whose loss or weights are not finite, before it writes a checkpoint.

    The losses stay on the device until the log is written, a checkpoint is due or a validation
    begins; there, one copy reads those since the last time. The error names the iteration, its
    images, its learning rate and the cure, and all processes stop with it. Under mixed precision
    the scaler leaves a step out whose gradients are not finite: only several in a row are an
    error. Before a checkpoint is written its weights are looked at, buffers included, so that the
    last and the best one are always finite.

    A validation after which nothing was learned is a warning: each loss since the one before was
    exactly 0, or one class was predicted everywhere while the truth has several.

        default_hooks = dict(watch=dict(type='TrainingWatchHook'))

    Raises:
        UserError: If the training cannot go on; its text is in ``not_finite.txt`` of the work
            directory, too.
    """

    # after the logger, which shows the loss, and the hooks that average weights; before the
    # checkpoints
    priority = 'LOW'

    def __init__(self) -> None:
        self._losses = LossWatch()
        self._training = False
        self._zero = 0  # losses since the last validation, if all are 0

    def before_train(self, runner) -> None:
        """Begin to watch."""
        self._training = True
        if is_main_process():
            (Path(runner.work_dir) / STOPPED).unlink(missing_ok=True)

    def after_train(self, runner) -> None:
        """A validation on its own may follow."""
        self._training = False

    def after_train_iter(self, runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Note the loss; look at it where the log is written or a checkpoint is due."""
        loss = (outputs or {}).get('loss')
        if loss is not None:
            loss = loss if isinstance(loss, Tensor) else torch.tensor(float(loss))
            self._losses.add(loss, runner.iter + 1, _rate(runner), files_of(data_batch),
                             _scale(runner))
        saves = self.is_last_train_iter(runner) or any(
            _is_due(hook, runner) for hook in runner.hooks if isinstance(hook, CheckpointHook))
        if saves or self.every_n_inner_iters(batch_idx, log_interval(runner)):
            self._look(runner, saves)

    def after_train_epoch(self, runner) -> None:
        """Look before the checkpoint of an epoch."""
        self._look(runner, weights=True)

    def before_val(self, runner) -> None:
        """Look before a validation, after which the best checkpoint is written."""
        if self._training:
            self._look(runner, weights=True)
            seen, largest = self._losses.largest()
            self._zero = seen if _largest_of_all(largest) == 0 else 0

    def after_val_epoch(self, runner, metrics: dict[str, Any] | None = None) -> None:
        """Say where nothing was learned."""
        if not self._training or not is_main_process():
            return
        if self._zero:
            runner.logger.warning(
                f'the loss was exactly 0 in the {self._zero} iterations before this validation, '
                'and nothing is learned from it: no pixel or instance of the labels counts, or '
                f'all weights of the losses are 0; {LOOK}')
        for metric in runner.val_loop.evaluator.metrics:
            if isinstance(metric, SegMetric) and metric.confusion_matrix is not None:
                predicted = metric.confusion_matrix.sum(0).nonzero()[0]
                present = metric.confusion_matrix.sum(1).nonzero()[0]
                if len(predicted) == 1 < len(present):
                    name = (metric.dataset_meta or {})['classes'][predicted[0]]
                    runner.logger.warning(
                        f'{name} is predicted at every pixel of this validation, whose labels '
                        f'have {len(present)} classes: if that stays so, {LOOK}, weight the rare '
                        'classes (tools/data/class_weights.py) or change '
                        'optim_wrapper.optimizer.lr')

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Look at what is about to be written, whoever asked for it."""
        for part in ('state_dict', 'ema_state_dict'):
            name = not_finite(checkpoint.get(part) or {})
            if name is not None:
                _stop(runner, _of_weights(runner, name))

    def _look(self, runner, weights: bool = False) -> None:
        """Stop all processes if one of them cannot go on."""
        step = self._losses.read()
        name = _not_finite(runner) if weights and step is None else None
        if not _largest_of_all(float(step is not None or name is not None)):
            return
        found: list[tuple[Step | None, str | None]] = all_gather_object((step, name))
        steps = [one for one, _ in found if one is not None]
        if steps:
            text = _of_loss(runner, min(steps, key=lambda one: one.number))
        else:
            text = _of_weights(runner, next(one for _, one in found if one))
        _stop(runner, text)


def _stop(runner, text: str) -> NoReturn:
    if is_main_process():
        write_atomically(Path(runner.work_dir) / STOPPED, text)
    raise UserError(text)


def _of_loss(runner, step: Step) -> str:
    files = f' ({first_few(step.files, 4)})' if step.files else ''
    scaled = _scale(runner) is not None
    row = (f' and {step.steps - 1} more in a row, which the scaling of mixed precision does not '
           'help') if step.steps > 1 else ''
    cure = f'train with --no-amp, {LOWER}' if scaled else LOWER
    what = f'the loss is {step.loss:.4g}' if not math.isfinite(step.loss) else (
        f'the gradients are not finite (the loss is {step.loss:.4g})')
    return (f'{what} at iteration {step.number}{row}, on these images{files} with a learning rate '
            f'of {step.rate:.4g}; nothing was saved of it: {cure}, and look at these images and '
            'their labels')


def _of_weights(runner, name: str) -> str:
    cure = f'train with --no-amp, {LOWER}' if _scale(runner) is not None else LOWER
    return (f'{name} of the network is not finite any more at iteration {runner.iter + 1}, with a '
            f'learning rate of {_rate(runner):.4g}; nothing was saved of it: {cure}')


def _not_finite(runner) -> str | None:
    """The first tensor of the network, or of its average, that is not finite."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    averages = [hook.ema_model for hook in runner.hooks if hasattr(hook, 'ema_model')]
    return next(filter(None, (not_finite(part.state_dict()) for part in (model, *averages))), None)


def _is_due(hook: CheckpointHook, runner) -> bool:
    return not hook.by_epoch and hook.every_n_train_iters(runner, hook.interval, hook.save_begin)


def _rate(runner) -> float:
    """The learning rate of this iteration; the log has it already."""
    scalars = runner.message_hub.log_scalars
    name = next((name for name in ('train/lr', *scalars) if name in scalars
                 and name.startswith('train/') and name.endswith('lr')), None)
    return float(scalars[name].current()) if name else float('nan')


def _scale(runner) -> Tensor | None:
    """The scale of mixed precision, where it is."""
    scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
    scale = getattr(scaler, '_scale', None)
    return scale if isinstance(scale, Tensor) else None


def _largest_of_all(value: float) -> float:
    """The largest value among the processes."""
    tensor = torch.tensor(value, dtype=torch.float64)
    all_reduce(tensor, 'max')
    return float(tensor)
