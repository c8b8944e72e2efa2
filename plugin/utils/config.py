"""Reading a config, and finding what belongs to it."""
import argparse
import difflib
import os
from pathlib import Path
from typing import Any

from .console import warn
from .errors import UserError

ROOT = Path(__file__).resolve().parents[2]


# MMEngine reads these beside the arguments of its Runner
MORE_KEYS = ('activation_checkpointing', 'compile', 'custom_imports', 'efficient_conv_bn_eval',
             'find_unused_parameters', 'model_wrapper_cfg', 'sync_bn', 'tta_model', 'tta_pipeline')


def load_config(path: str, options: list[str]):
    """Read a config and set the values given on the command line.

    Args:
        path (str): The config file.
        options (list[str]): ``key=value``, as ``--cfg-options`` takes them.

    Returns:
        mmengine.Config: The config.

    Raises:
        FileNotFoundError: If there is no such file; names the nearest one.
        UserError: If the file cannot be executed or an option cannot be set.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'config {path} does not exist{_nearest_config(path)}')
    from mmengine.config import Config, DictAction
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is a program: anything may happen in it
        cause = error.__context__ if isinstance(error, ImportError) else None
        raise UserError(f'{path} cannot be read as a config: '
                         f'{type(error).__name__}: {cause or error}') from error
    values: dict[str, Any] = {}
    for option in options:
        parser = argparse.ArgumentParser()
        parser.add_argument('--cfg-options', nargs='+', action=DictAction)
        values.update(parser.parse_args(['--cfg-options', option]).cfg_options)
    _warn_of_new_keys(cfg, values)
    try:
        cfg.merge_from_dict(values)
    except (AssertionError, IndexError, KeyError, TypeError) as error:
        raise UserError(f'--cfg-options {" ".join(options)} does not fit {path}: '
                         f'{error}') from error
    return cfg


def set_work_dir(cfg, work_dir: str | None, config: str) -> None:
    """Choose the work directory: command line, then config, then the name of the config."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)
    if Path(cfg.work_dir).exists() and not Path(cfg.work_dir).is_dir():
        raise FileExistsError(f'the work directory {cfg.work_dir} is a file; give another one')


def checkpoints_of(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the one saved last at the end."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.glob('*.pth') if not path.name.startswith('.')),
                  key=lambda path: (path.stat().st_mtime_ns, path.name))


def existing_checkpoint(path: str, work_dir: str | None = None) -> str:
    """Return ``path`` if it can be loaded.

    Raises:
        FileNotFoundError: If it is no file; names the newest one nearby.
    """
    if '://' in path or Path(path).is_file():
        return path
    folders = [Path(path), Path(path).parent] + ([Path(work_dir)] if work_dir else [])
    for folder in folders:
        found = checkpoints_of(folder)
        if found:
            raise FileNotFoundError(f'checkpoint {path} does not exist; '
                                    f'the newest in {folder} is {found[-1]}')
    raise FileNotFoundError(f'checkpoint {path} does not exist, and there is none beside it; '
                            'train one with tools/train.py')


def _nearest_config(path: str) -> str:
    folders = {Path(path).parent, Path('configs'), ROOT / 'configs'}
    known = {file.stem: file for folder in folders if folder.is_dir()
             for file in folder.glob('*.py')}
    near = difflib.get_close_matches(Path(path).stem, known, n=1, cutoff=0.4)
    if near:
        return f'; did you mean {os.path.relpath(known[near[0]])}?'
    return '; the configs are in configs/' if known else ''


def _warn_of_new_keys(cfg, values: dict[str, Any]) -> None:
    """A key that the config does not have is often a misspelt one, and then changes nothing."""
    import inspect

    from mmengine.runner import Runner
    known = {*inspect.signature(Runner).parameters, *MORE_KEYS}
    told = set()
    for key in values:
        node, parts = cfg, key.split('.')
        for depth, part in enumerate(parts):
            if isinstance(node, (list, tuple)):
                if not part.isdigit() or int(part) >= len(node):
                    break  # merging tells what is wrong with it
                node = node[int(part)]
                continue
            if not hasattr(node, 'keys'):
                break
            if part not in node:
                names = [*node, *known] if depth == 0 else list(node)
                near = difflib.get_close_matches(part, names, n=1, cutoff=0.75)
                # a new leaf is how one sets what the config leaves at its default
                name = '.'.join(parts[:depth + 1])
                odd = part not in known and (near or depth < len(parts) - 1 or depth == 0)
                if odd and name not in told:
                    told.add(name)
                    hint = f'; did you mean {".".join([*parts[:depth], near[0]])}?' if near else ''
                    warn(f'--cfg-options {key}: the config has no {name} yet{hint}')
                break
            node = node[part]


def is_detection(cfg) -> bool:
    """Whether a config is one of MMDetection: for instances rather than for pixels."""
    return cfg.get('default_scope') == 'mmdet'
