"""Finding, reading and replacing checkpoints."""
import argparse
import os
from pathlib import Path
from typing import Optional

import _cli


class _Trust(argparse.Action):
    """Notes in the environment, which the readers ask and other processes inherit."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, nargs=0, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        os.environ['PASTURE_TRUST_CHECKPOINT'] = '1'
        setattr(namespace, self.dest, True)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add ``--trust-checkpoint`` to a tool that loads one."""
    parser.add_argument('--trust-checkpoint', action=_Trust, default=False,
                        help='run whatever code the checkpoint holds; without it, only tensors '
                        'and plain values are read')


def choose_checkpoint(cfg, resume: Optional[str]) -> None:
    """Set what a training starts from.

    Args:
        cfg (mmengine.Config): The config with its work directory; gets ``load_from``, ``resume``.
        resume (str, optional): ``'auto'``, or the checkpoint to go on from.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it is damaged, or all checkpoints of the work directory are.
    """
    folder = Path(cfg.work_dir)
    if resume is None:
        last = last_checkpoint(folder)
        if last is not None and not cfg.get('resume'):
            _cli.say(f'note: {folder} holds {last.name} of an earlier training; this one starts '
                     'anew and replaces what has the same name (--resume goes on instead)')
        return
    from plugin.engine.good_checkpoint import check_good, choose_good
    if resume != 'auto':
        cfg.load_from, cfg.resume = _cli.existing_checkpoint(resume, cfg.work_dir), True
        if '://' not in resume:
            check_good(Path(cfg.load_from), folder)
        return
    path = choose_good(folder, _cli.warn)
    cfg.resume = path is not None
    if path is not None:
        cfg.load_from = str(path)
    else:
        _cli.say(f'note: no checkpoint in {folder}: the training starts from the beginning')


def last_checkpoint(folder: Path) -> Optional[Path]:
    """The newest checkpoint to go on from, or None; finds it in a folder that was moved, too."""
    from plugin.engine.good_checkpoint import checkpoints_to_resume
    return next(iter(checkpoints_to_resume(folder)), None)


def check_target(source: Optional[Path], target: Path, overwrite: bool) -> None:
    """Refuse what would fail or lose a file; ``source`` is None for what is downloaded.

    Raises:
        OSError: If the checkpoint is no file, or the target must not be written.
    """
    if source is not None and not source.is_file():
        raise FileNotFoundError(f'{source} is no file: give a checkpoint, for example '
                                'work_dirs/u2pl_barn/iter_1200.pth, or download it first')
    if target.is_dir():
        raise IsADirectoryError(f'{target} is a folder: give the name of a file')
    if source is not None and target.exists() and target.resolve() == source.resolve():
        raise FileExistsError(f'{target} is the checkpoint itself: give another name')
    if target.exists() and not overwrite:
        raise FileExistsError(f'{target} exists: give another name, or --overwrite to replace it')


def read_checkpoint(path: Path) -> dict:
    """Read a checkpoint or a bare state dict.

    Raises:
        ValueError: If it is no checkpoint, or names code to run.
    """
    from plugin.engine.safe_reading import read_checkpoint as read
    checkpoint = read(path)
    if not hasattr(checkpoint, 'get') or not hasattr(checkpoint.get('state_dict', checkpoint),
                                                     'items'):
        raise ValueError(f'{path} holds no state dict: give a checkpoint of a training')
    return checkpoint
