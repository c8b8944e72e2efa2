"""A config becomes a training."""
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import BaseLoop, Runner

from plugin.engine.hooks import LiveLineHook
from plugin.engine.trackers import add_trackers
from plugin.utils import UserError
from plugin.utils.config import load_config, set_work_dir

from .auto_batch import choose_batch
from .ending import Trained, result_of, say_results, write_page
from .loaders import mend_workers
from .memory import memory_sentence
from .precision import choose_precision
from .processes import join_processes, leave_processes
from .resume import choose_checkpoint

PATIENCE = 5


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during a training; its text tells how far that came.

    Args:
        iterations (int, optional): How many were done; None if it had not begun.
    """

    def __init__(self, iterations: int | None = None) -> None:
        super().__init__('' if iterations is None else f'after {iterations} iterations')
        self.iterations = iterations


def train(config: str | Path | Config, *, work_dir: str | Path | None = None,
          resume: str | Path | bool | None = None, amp: bool | None = None, check: bool = True,
          early_stop: str | tuple[str, int] | None = None, loggers: Sequence[str] = (),
          auto_batch: bool = False, options: Sequence[str] = (), launcher: str = 'none',
          local_rank: int = 0) -> Trained:
    """Train the model of a config, on one device or, under a launcher, on several.

    Checkpoints, logs and images are written into the work directory; at the end the scores and a
    report. What goes on is said on the terminal.

    Args:
        config (str | Path | Config): A file, the name of a config that comes with Pasture, or
            what was read from one.
        work_dir (str | Path, optional): Defaults to that of the config, or
            ``work_dirs/<name of the config>``.
        resume (str | Path | bool, optional): The checkpoint to go on from; ``'auto'`` or True for
            the last whole one of the work directory. Defaults to a training from the beginning.
        amp (bool, optional): Mixed precision, or not: float16 on a GPU, bfloat16 on a CPU that has
            instructions for it. Defaults to what the config says.
        check (bool): Look at all images and labels first. Defaults to True.
        early_stop (str | tuple[str, int], optional): A score of the validation, such as ``loss``
            or ``mIoU``, that ends the training when it has not become better in 5 validations, or
            in as many as the second item says. Defaults to the whole training.
        loggers (Sequence[str]): Trackers that are written as well: ``tensorboard``, ``mlflow``,
            ``wandb``. Nothing leaves the machine by default.
        auto_batch (bool): Take the largest batch that the GPU can hold, and scale the learning
            rate with it. Defaults to False.
        options (Sequence[str]): Values to set in the config, as ``key.of.it=value``.
        launcher (str): What started the processes: ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        local_rank (int): Number of this process on its machine, where the environment does not
            tell.

    Returns:
        Trained: Scores of the last validation, and where the checkpoints are.

    Raises:
        FileNotFoundError: If the config, the checkpoint or the data do not exist.
        UserError: If the config cannot be read, an option does not fit, the data do not fit the
            model, or memory is too small.
        TrainingInterrupted: On Ctrl-C; ``resume=True`` goes on.

    Example:
        >>> from plugin.runs import train
        >>> done = train('fcn8s_barn', options=['train_cfg.max_iters=2'])
        >>> done.iterations, done.last_checkpoint.name
        (2, 'iter_2.pth')
        >>> 0 <= done.scores['mIoU'] <= 100
        True
    """
    cfg = load_config(config, options)
    set_work_dir(cfg, None if work_dir is None else str(work_dir))
    choose_checkpoint(cfg, 'auto' if resume is True else str(resume) if resume else None)
    choose_precision(cfg, amp)
    if not check and 'check_data' in cfg.get('default_hooks', {}):
        cfg.default_hooks.check_data.enabled = False
    if early_stop is not None:
        follow_score(cfg, early_stop)
    add_trackers(cfg, loggers)
    join_processes(cfg, launcher, local_rank)
    if auto_batch:
        choose_batch(cfg)
    runner = build_runner(cfg)
    with _looked_after(cfg, runner):
        runner.train()
    result = result_of(runner)
    say_results(result)
    write_page(runner)
    # its connections are closed when the model is gone
    del runner
    leave_processes()
    return result


def follow_score(cfg: Config, early_stop: str | tuple[str, int]) -> None:
    """Let a training end when a score of its validation does not get better.

    Args:
        cfg (mmengine.Config): The config; gets the hooks.
        early_stop (str | tuple[str, int]): The score, and after how many validations without a
            better one; 5 where only the score is given.

    Raises:
        UserError: If the config has no validation.
    """
    score, patience = (early_stop, PATIENCE) if isinstance(early_stop, str) else early_stop
    if not cfg.get('val_dataloader') or not cfg.get('val_cfg'):
        raise UserError(f'--early-stop {score} follows a score of the validation, but the '
                        'config has none; set val_dataloader, val_evaluator and val_cfg')
    hooks = cfg.setdefault('default_hooks', {})
    hooks['early_stopping'] = dict(
        hooks.get('early_stopping') or {}, type='ResumableEarlyStoppingHook',
        monitor=score, patience=patience)
    if 'loss' in score:
        hooks.setdefault('val_loss', dict(type='ValidationLossHook'))


def build_runner(cfg: Config) -> Runner:
    """The runner of a config, which may be one of its own."""
    mend_workers(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


@contextlib.contextmanager
def _looked_after(cfg: Config, runner: Runner) -> Iterator[None]:
    """Show a live line, and say in a sentence where memory is short or how far Ctrl-C let it come.

    Raises:
        TrainingInterrupted: On Ctrl-C.
        UserError: If memory is short.
    """
    line = LiveLineHook()
    runner.register_hook(line)
    try:
        with memory_sentence(cfg, runner):
            yield
    except KeyboardInterrupt as stop:
        # the loop is a config until the training begins
        loop = getattr(runner, '_train_loop', None)
        done = loop.iter if isinstance(loop, BaseLoop) else None
        raise TrainingInterrupted(done) from stop
    finally:
        # whatever is said now must not be drawn over
        line.stop()
