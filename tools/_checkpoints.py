"""Reading one checkpoint and writing another."""
from pathlib import Path


def check_target(source: Path, target: Path, overwrite: bool) -> None:
    """Refuse what would fail or lose a file.

    Raises:
        OSError: If the checkpoint is no file, or the target must not be written.
    """
    if not source.is_file():
        raise FileNotFoundError(f'{source} is no file: give a checkpoint, for example '
                                'work_dirs/u2pl_barn/iter_1200.pth, or download it first')
    if target.is_dir():
        raise IsADirectoryError(f'{target} is a folder: give the name of a file')
    if target.exists() and target.resolve() == source.resolve():
        raise FileExistsError(f'{target} is the checkpoint itself: give another name')
    if target.exists() and not overwrite:
        raise FileExistsError(f'{target} exists: give another name, or --overwrite to replace it')


def read_checkpoint(path: Path) -> dict:
    """Read what MMEngine would load.

    Raises:
        ValueError: If it is no checkpoint.
    """
    from mmengine.runner import CheckpointLoader
    try:
        checkpoint = CheckpointLoader.load_checkpoint(str(path), map_location='cpu',
                                                      logger='silent')
    except OSError:
        raise
    except Exception as error:  # unpickling anything may raise anything
        reason = str(error).strip().split('\n')[0]
        raise ValueError(f'{path} is no checkpoint of PyTorch ({type(error).__name__}: {reason}): '
                         'give another file, or download it again') from error
    if not hasattr(checkpoint, 'get') or not hasattr(checkpoint.get('state_dict', checkpoint),
                                                     'items'):
        raise ValueError(f'{path} holds no state dict: give a checkpoint of a training')
    return checkpoint
