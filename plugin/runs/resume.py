"""What a training starts from, and how it goes on."""
import shlex
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from plugin.engine.checkpoints.good_checkpoint import check_good, checkpoints_to_resume, choose_good
from plugin.utils.config import existing_checkpoint
from plugin.utils.console import say, warn

from .processes import shown_command


def choose_checkpoint(cfg: Config, resume: str | None) -> None:
    """Set what a training starts from.

    Args:
        cfg (mmengine.Config): The config with its work directory; gets ``load_from``, ``resume``.
        resume (str, optional): ``'auto'``, or the checkpoint to go on from.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        UserError: If it is damaged, or all checkpoints of the work directory are.
    """
    folder = Path(cfg.work_dir)
    if resume is None:
        if cfg.get('resume') and cfg.get('load_from') is not None:
            # what the config says goes the way of the option
            given = str(cfg.load_from)
            choose_checkpoint(cfg, given if '://' in given else str(Path(given).expanduser()))
            return
        last = last_checkpoint(folder)
        if last is not None and not cfg.get('resume'):
            say(f'note: {folder} holds {last.name} of an earlier training; this one starts '
                'anew and replaces what has the same name (--resume goes on instead)')
        return
    if resume != 'auto':
        cfg.load_from, cfg.resume = existing_checkpoint(resume, cfg.work_dir), True
        if '://' not in resume:
            check_good(Path(cfg.load_from), folder)
        return
    path = choose_good(folder, warn)
    cfg.resume = path is not None
    if path is not None:
        cfg.load_from = str(path)
    else:
        say(f'note: no checkpoint in {folder}: the training starts from the beginning')


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint to go on from, or None; finds it in a folder that was moved, too."""
    return next(iter(checkpoints_to_resume(folder)), None)


def resume_command(argv: Sequence[str]) -> str:
    """The command that goes on with a training.

    Args:
        argv (Sequence[str]): The arguments of ``tools/train.py`` that it was started with.

    Returns:
        str: A line for the terminal.

    Example:
        >>> from plugin.runs import resume_command
        >>> resume_command(['configs/fcn8s_barn.py', '--resume', 'iter_400.pth', '--amp'])
        'python tools/train.py configs/fcn8s_barn.py --amp --resume'
    """
    words, kept = list(argv), []
    while words:
        word = words.pop(0)
        if word == '--resume':
            if words and not words[0].startswith('-'):
                words.pop(0)
        elif not word.startswith('--resume='):
            kept.append(word)
    return shlex.join([*shown_command('train'), *kept, '--resume'])
