"""Reading and replacing checkpoints by hand."""
from pathlib import Path

from plugin.utils import UserError

from . import safe_reading


def check_target(source: Path | None, target: Path, overwrite: bool) -> None:
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
        UserError: If it is no checkpoint, or names code to run.
    """
    checkpoint = safe_reading.read_checkpoint(path)
    if not hasattr(checkpoint, 'get') or not hasattr(checkpoint.get('state_dict', checkpoint),
                                                     'items'):
        raise UserError(f'{path} holds no state dict: give a checkpoint of a training')
    return checkpoint
