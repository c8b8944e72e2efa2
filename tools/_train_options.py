"""Training that looks after itself: when it ends, what it shows, and how much memory it takes."""
import argparse
import contextlib
import re
from collections.abc import Iterator
from typing import NamedTuple

import _trackers

from plugin.runs import auto_batch, memory

PATIENCE = 5


class EarlyStop(NamedTuple):
    """A score, and after how many validations without a better one a training ends."""

    score: str
    patience: int


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--early-stop``, ``--logger`` and ``--auto-batch``."""
    parser.add_argument('--early-stop', type=_early_stop, metavar='SCORE[:PATIENCE]',
                        help='end the training after so many validations without a better score '
                        f'(default: {PATIENCE}), e.g. loss:5 or mIoU')
    _trackers.add_logger(parser)
    auto_batch.add_auto_batch(parser)


def set_options(cfg, args: argparse.Namespace) -> None:
    """Set in a config what the options of :func:`add_options` say, but for the batch.

    Args:
        cfg (mmengine.Config): The config, with ``resume`` as it will be.
        args (argparse.Namespace): The command line.

    Raises:
        ImportError: If the package of a tracker is missing.
        UserError: If a training without validation is to end by a score.
    """
    if args.early_stop is not None:
        _set_early_stop(cfg, args.early_stop)
    _trackers.add_trackers(cfg, args.logger)


@contextlib.contextmanager
def looked_after(cfg, runner, debug: bool) -> Iterator[None]:
    """Show a live line while the runner trains, and say in a sentence if memory is short.

    Args:
        cfg (mmengine.Config): The config of the training.
        runner (Runner): What trains.
        debug (bool): Let errors through as they are.
    """
    from plugin.engine.hooks import LiveLineHook
    line = LiveLineHook()
    runner.register_hook(line)
    with memory.memory_sentence(cfg, runner, debug):
        try:
            yield
        finally:
            # whatever is said now must not be drawn over
            line.stop()


def ending(runner) -> str:
    """How a training ended, in words."""
    state = runner.message_hub.runtime_info.get('early_stopping') or {}
    reason = state.get('reason') if getattr(runner.train_loop, 'stop_training', False) else ''
    return f'trained {runner.iter} iterations' + (f'; stopped early {reason}' if reason else '')


def _set_early_stop(cfg, wanted: EarlyStop) -> None:
    if not cfg.get('val_dataloader') or not cfg.get('val_cfg'):
        raise UserError(f'--early-stop {wanted.score} follows a score of the validation, but the '
                         'config has none; set val_dataloader, val_evaluator and val_cfg')
    hooks = cfg.setdefault('default_hooks', {})
    hooks['early_stopping'] = dict(
        hooks.get('early_stopping') or {}, type='ResumableEarlyStoppingHook',
        monitor=wanted.score, patience=wanted.patience)
    if 'loss' in wanted.score:
        hooks.setdefault('val_loss', dict(type='ValidationLossHook'))


def _early_stop(text: str) -> EarlyStop:
    score, colon, patience = text.rpartition(':')
    if not colon:
        score, patience = text, str(PATIENCE)
    if not score or not re.fullmatch(r'[1-9]\d*', patience):
        raise argparse.ArgumentTypeError(f'{text!r} is not SCORE or SCORE:PATIENCE, such as loss:5')
    return EarlyStop(score, int(patience))
