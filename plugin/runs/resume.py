"""The checkpoint that a training starts from, or goes on from."""
from pathlib import Path

from plugin.engine.checkpoints.good_checkpoint import check_good, checkpoints_to_resume, choose_good
from plugin.utils.config import existing_checkpoint
from plugin.utils.console import say, warn


def choose_checkpoint(cfg, resume: str | None) -> None:
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
