"""The schedule of a training with a teacher and a student."""
import math
from pathlib import Path
from typing import Any

from mmengine.dist import get_world_size, master_only
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import CheckpointLoader
from torch import Tensor

from plugin.models.segmentors import TeacherStudentSegmentor
from plugin.models.semi.ema import ema_decay
from plugin.models.weights.teacher import export_segmentor
from plugin.utils import UserError, write_checkpoint

from ..teaching.collapse_alarm import CollapseAlarm
from ..teaching.log import draw_step, log_numbers
from .moments import log_interval


@HOOKS.register_module()
class TeacherStudentHook(Hook):
    """Sets the schedule of a ``TeacherStudentSegmentor``.

    Before each iteration the model learns how far the training is (``progress``, t / T), how far
    what follows the warm-up (``unsupervised_progress``, (t - W) / (T - W)), and whether it is
    supervised only (``warming_up``). During the warm-up the teacher is the student;
    after it, each step of the optimizer moves the teacher by the decay
    ``min(1 - 1 / (t + 1), decay)``, where t counts the steps since the warm-up. All of this
    follows from the iteration alone, so that a resumed training goes on like one that was never
    stopped.

    ``model.statistics`` go into the log whenever the logger writes; in other iterations nothing
    is copied from the device. Images of pseudo-labels are written to
    ``pseudo_labels/iter_*.png`` of the work directory. At the end the network that predicts is
    written as ``segmentor.pth`` (of instances ``detector.pth``), and that of the best checkpoint,
    where there is one, as ``best_segmentor.pth``: plain checkpoints for the supervised config.

    Args:
        warmup (int): Supervised iterations at the beginning.
        warmup_epochs (float, optional): The same in rounds of the labelled images, instead.
        decay (float): Limit of the teacher's decay, 0..1.
        picture_interval (int, optional): Iterations between two images; 0 draws none.
            Defaults to None: one at each validation.
        alarm_share (float): Warn when one class takes this share of the pseudo-labels, 0..1, on
            average between two lines of the log. 1 never warns.
        export (bool): Whether to write the plain checkpoints.

    Raises:
        UserError: If a number is out of range, both warm-ups are given, the warm-up takes the
            whole training, or the model has no student.
    """

    # before the logger, the checkpoints and the validation, which need the new teacher
    priority = 'NORMAL'

    def __init__(self, warmup: int = 0, warmup_epochs: float | None = None,
                 decay: float = 0.99, picture_interval: int | None = None,
                 alarm_share: float = 0.95, export: bool = True) -> None:
        if warmup and warmup_epochs is not None:
            raise UserError(f'warmup={warmup} and warmup_epochs={warmup_epochs} both say how '
                            'long the warm-up is: give one of them')
        _check_range('warmup', warmup)
        _check_range('warmup_epochs', warmup_epochs)
        _check_range('picture_interval', picture_interval)
        _check_range('decay', decay, 1)
        _check_range('alarm_share', alarm_share, 1)
        self.warmup = warmup
        self.warmup_epochs = warmup_epochs
        self.decay = decay
        self.picture_interval = picture_interval
        self.export = export
        self._alarm = CollapseAlarm(alarm_share)

    def before_train(self, runner) -> None:
        """Find out how long the warm-up is, and say it."""
        model = unwrapped(runner)
        if not hasattr(model, 'student'):
            raise UserError(f'{type(self).__name__} needs a model with a student, not '
                            f'{type(model).__name__}: wrap it as model=dict('
                            "type='MeanTeacher', segmentor=model), or leave out the hook")
        if self.warmup_epochs is not None:
            self.warmup = _iterations(runner, self.warmup_epochs)
        rest = runner.max_iters - self.warmup
        if rest <= 0:
            raise UserError(f'a warm-up of {self.warmup} iterations leaves nothing of the '
                            f'{runner.max_iters} for the unlabelled images: shorten it')
        if self.warmup == 0 and getattr(model, 'second_untrained', False):
            runner.logger.warning(
                'the weights were loaded into the first network, and the second one labels images '
                'for it at random: give model.second.init_cfg (type=Pretrained and the checkpoint '
                'of another training), or a warm-up by default_hooks.method.warmup')
        runner.logger.info(f'{type(model).__name__}: {self.warmup} supervised iterations, then '
                           f'{rest} with unlabelled images')

    def before_train_iter(self, runner, batch_idx: int, data_batch: Any = None) -> None:
        """Tell the model how far the training is."""
        model = unwrapped(runner)
        model.progress = runner.iter / runner.max_iters
        model.unsupervised_progress = max(runner.iter - self.warmup, 0) / (
            runner.max_iters - self.warmup)
        model.warming_up = runner.iter < self.warmup
        model.keep_images = not model.warming_up and self._draws(runner)
        if model.has_teacher and runner.iter == self.warmup:
            model.reset_teacher()

    def after_train_iter(self, runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Move the teacher; at intervals log and draw its pseudo-labels."""
        model = unwrapped(runner)
        if model.has_teacher and runner.optim_wrapper.should_update():
            if model.warming_up:
                # so that checkpoints and validations of the warm-up have the student as teacher
                model.reset_teacher()
            else:
                model.update_teacher(ema_decay(self._steps(runner), self.decay))
        if model.warming_up:
            return
        if 'class_share' in model.statistics:
            self._alarm.add(model.statistics['class_share'])
        if self.every_n_inner_iters(batch_idx, log_interval(runner)):
            log_numbers(runner, {**self.scalars(model), **self.class_scalars(model)})
            self._warn(runner)
        if model.keep_images:
            self.draw(runner, model)

    @master_only
    def after_train(self, runner) -> None:
        """Write the network that predicts as a plain checkpoint."""
        if not self.export:
            return
        folder = Path(runner.work_dir)
        meta = dict(iter=runner.iter, dataset_meta=runner.train_dataloader.dataset.metainfo)
        model = unwrapped(runner)
        # the toy models of tests and other people's need not say it
        wrapped = getattr(model, 'wrapped', 'segmentor')
        hub = runner.message_hub
        # of instances: the threshold and the errors of the last counts
        last = dict(state_dict=model.state_dict(), meta=meta, message_hub=dict(
            log_scalars=hub.log_scalars, runtime_info=hub.runtime_info))
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                # what was validated and saved is the average
                hook.before_save_checkpoint(runner, last)
        _export(runner, last, model.predict_on, folder / f'{wrapped}.pth')
        best = hub.runtime_info.get('best_ckpt')
        if best and Path(best).is_file():
            checkpoint = CheckpointLoader.load_checkpoint(
                best, map_location='cpu', logger='silent')
            _export(runner, checkpoint, model.predict_on, folder / f'best_{wrapped}.pth')

    def scalars(self, model: TeacherStudentSegmentor) -> dict[str, Tensor]:
        """Numbers for the line of the log.

        Args:
            model (TeacherStudentSegmentor): The segmentor.

        Returns:
            dict[str, Tensor]: 0-dim tensors by name; one that is not finite is not written.
        """
        return {name: value for name, value in model.statistics.items() if value.ndim == 0}

    def class_scalars(self, model: TeacherStudentSegmentor) -> dict[str, Tensor]:
        """Numbers of each class, for the file of scalars: a line of the log is too short.

        Args:
            model (TeacherStudentSegmentor): The segmentor.

        Returns:
            dict[str, Tensor]: Tensors ``(C, )`` by name; what is not finite is not written.
        """
        return {name: value for name, value in model.statistics.items() if value.ndim == 1}

    def draw(self, runner, model: TeacherStudentSegmentor) -> None:
        """Draw the pseudo-labels of this step.

        Args:
            runner (Runner): The runner of the training.
            model (TeacherStudentSegmentor): The segmentor.
        """
        draw_step(runner, model)

    def _warn(self, runner) -> None:
        collapse = self._alarm.check()
        if collapse is not None:
            name = runner.train_dataloader.dataset.metainfo['classes'][collapse.place]
            runner.logger.warning(
                f'{collapse.share:.0%} of the pseudo-labels are {name}: the teacher may have '
                'collapsed; lengthen warmup or lower the learning rate, or raise alarm_share of '
                'the hook where the images are like this')

    def _steps(self, runner) -> int:
        """Steps of the optimizer since the warm-up before that of this iteration."""
        each = runner.optim_wrapper._accumulative_counts
        return math.ceil((runner.iter + 1) / each) - self.warmup // each - 1

    def _draws(self, runner) -> bool:
        """Whether an image follows this iteration."""
        done = runner.iter + 1
        if self.picture_interval is not None:
            return self.picture_interval > 0 and done % self.picture_interval == 0
        if runner.val_loop is None:
            return False
        loop = runner.train_loop
        return done >= loop.val_begin and (
            done % loop.val_interval == 0 or done == runner.max_iters)


def unwrapped(runner) -> TeacherStudentSegmentor:
    """The segmentor of a runner without the wrapper of several processes."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _check_range(name: str, value: float | None, upper: float = math.inf) -> None:
    if value is not None and not 0 <= value <= upper:
        limits = f'0..{upper}' if upper < math.inf else '0 and more'
        raise UserError(f'{name}={value} is out of range: give {limits}')


def _iterations(runner, epochs: float) -> int:
    """Iterations in which the labelled images are seen ``epochs`` times."""
    loader = runner.train_dataloader
    # those of a batch that PairedSampler draws from the labelled source
    labelled = loader.batch_sampler.sampler.parts[0] * get_world_size()
    return math.ceil(epochs * loader.dataset.sizes[0] / labelled)


def _export(runner, checkpoint: dict, network: str, path: Path) -> None:
    try:
        write_checkpoint(export_segmentor(checkpoint, network), path)
    except OSError as error:
        # every checkpoint holds it too, so that nothing is lost to a full disk
        runner.logger.warning(f'{path} is not written: {error}; free some space and get it from a '
                              'checkpoint with tools/export_teacher.py')
    else:
        runner.logger.info(f'wrote {path}, a plain checkpoint for the supervised config')
