"""Files of weights: read without running code, and never replaced unasked."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.runner import CheckpointLoader

from plugin.utils import UserError


def check_target(source: Path | None, target: Path, overwrite: bool) -> None:
    """Refuse what would fail or lose a file.

    Args:
        source (Path, optional): The checkpoint that is read; None for what is downloaded.
        target (Path): The file to write.
        overwrite (bool): Whether an older file may be replaced.

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


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint or a bare state dict, on the CPU.

    ``import plugin`` has put :func:`plugin.engine.checkpoints.safe_reading.read_checkpoint` in the
    place of MMEngine's reader, so that no code of the file runs.

    Raises:
        UserError: If it is no checkpoint, or names code to run.
    """
    checkpoint = CheckpointLoader.load_checkpoint(str(path), 'cpu', logger='silent')
    if not hasattr(checkpoint, 'get') or not hasattr(checkpoint.get('state_dict', checkpoint),
                                                     'items'):
        raise UserError(f'{path} holds no state dict: give a checkpoint of a training')
    return checkpoint


def read_state_dict(path: Path) -> Mapping[str, Any]:
    """The parameters of a checkpoint, or of a bare state dict; see :func:`read_checkpoint`."""
    checkpoint = read_checkpoint(path)
    return checkpoint.get('state_dict', checkpoint)
