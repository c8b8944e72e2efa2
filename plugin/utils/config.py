"""Configs: where they are, how they are read and copied, and what belongs to one."""
import copy
import difflib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.fileio.handlers.registry_utils import register_handler

from .config_options import set_options
from .config_text import remember_texts
from .errors import UserError
from .text import first_few
from .yaml import PlainYamlHandler

ROOT = Path(__file__).resolve().parents[2]
# where a user keeps the configs, beside the current folder itself
OWN = Path('configs')
# under which methods with a teacher have their network
WRAPPED = ('segmentor', 'detector')
# also where MMEngine reads a config, or the base of one, itself
register_handler(['yaml', 'yml'])(PlainYamlHandler)
remember_texts()


def load_config(config: str | Path | Config, options: Sequence[str] = ()) -> Config:
    """Read a config and set values in it.

    Args:
        config (str | Path | Config): A config file, the name of one (see :func:`find_config`), or
            a config that was read already, which is copied.
        options (Sequence[str]): ``key=value``, as ``--cfg-options`` takes them.

    Returns:
        mmengine.Config: The config; its ``filename`` is the file that was read.

    Raises:
        FileNotFoundError: If there is no such file; names the nearest one.
        UserError: If the file cannot be executed, or an option cannot be set or would change
            nothing.

    Example:
        >>> from plugin.utils.config import load_config
        >>> load_config('fcn8s_barn', ['train_cfg.max_iters=2']).train_cfg.max_iters
        2
    """
    if isinstance(config, Config):
        cfg, name = copy.deepcopy(config), config.filename or 'the config'
    else:
        cfg, name = _read(find_config(config)), config
    set_options(cfg, options, name)
    return cfg


def find_config(config: str | Path) -> Path:
    """Find a config file by its path or by its name.

    A path that exists is taken. Otherwise a name without a folder, such as ``fcn8s_barn`` or
    ``fcn8s_barn.py``, is looked for in the current folder, in ``configs/`` and among the configs
    that come with Pasture, in this order, so that a file of the user is never passed over.

    Args:
        config (str | Path): Path or name.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: If there is none; names the nearest one.
    """
    path = Path(config)
    if path.is_file():
        return path
    file = path if path.suffix == '.py' else Path(f'{path}.py')
    folders = [Path(), OWN, config_folder()] if path.name == str(config) else [Path()]
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    raise FileNotFoundError(f'config {config} does not exist{_nearest_config(path)}')


def config_folder() -> Path:
    """The folder of the configs that come with Pasture: of the checkout, or installed."""
    return ROOT / ('configs' if (ROOT / 'setup.py').is_file() else 'pasture/configs')


def copy_configs(folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Copy the configs that come with Pasture, to change them there.

    Args:
        folder (str | Path): Where to; made if it does not exist.
        overwrite (bool): Replace files that are there. Defaults to False.

    Returns:
        list[Path]: The files, those of ``_base_`` included.

    Raises:
        FileExistsError: If a file is there already and ``overwrite`` is False; nothing is
            written then.
        UserError: If the folder is that of the originals.

    Example:
        >>> import tempfile
        >>> from plugin.utils.config import copy_configs
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sorted({path.name for path in copy_configs(folder)})[0]
        'adamw_cosine_1000.py'
    """
    source, target = config_folder(), Path(folder)
    if target.resolve().is_relative_to(source.resolve()):
        raise UserError(f'{folder} belongs to the configs that are to be copied; '
                        'name another folder')
    files = {path: target / path.relative_to(source) for path in sorted(source.rglob('*.py'))}
    there = [str(path) for path in files.values() if path.exists()]
    if there and not overwrite:
        raise FileExistsError(f'{first_few(there, 3)} would be replaced; '
                              'name another folder or add --overwrite')
    for path, copied in files.items():
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
    return list(files.values())


def set_work_dir(cfg: Config, work_dir: str | None, config: str | None = None) -> None:
    """Choose the work directory: the one given, then the config's, then the config's name.

    Args:
        cfg (Config): Its ``work_dir`` is set.
        work_dir (str, optional): The one given.
        config (str, optional): Name of a config that was not read from a file.
    """
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        name = cfg.filename or config
        if name is None:
            raise UserError('the config has no file after which its work directory could be '
                            'named; give a work_dir')
        cfg.work_dir = str(Path('work_dirs') / Path(name).stem)
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


def is_detection(cfg: Config) -> bool:
    """Whether a config is one of MMDetection: for instances rather than for pixels."""
    return cfg.get('default_scope') == 'mmdet'


def wrapped_key(model: Mapping[str, Any]) -> str | None:
    """The key under which a method with a teacher has the network that it trains.

    Args:
        model (Mapping): ``cfg.model``.

    Returns:
        str, optional: ``segmentor`` or ``detector``; None of a plain network.
    """
    return next((key for key in WRAPPED if isinstance(model.get(key), Mapping)), None)


def network_config(model: Mapping[str, Any]) -> Any:
    """The config of the network, without that of a method around it; see :func:`wrapped_key`."""
    key = wrapped_key(model)
    return model if key is None else model[key]


def _read(path: Path) -> Config:
    try:
        return Config.fromfile(str(path))
    except Exception as error:  # a config is a program: anything may happen in it
        cause = error.__context__ if isinstance(error, ImportError) else None
        raise UserError(f'{path} cannot be read as a config: '
                        f'{type(error).__name__}: {cause or error}') from error


def _nearest_config(path: Path) -> str:
    shipped = config_folder()
    known = {file.stem: file for folder in (shipped, OWN, path.parent) if folder.is_dir()
             for file in folder.glob('*.py')}
    near = difflib.get_close_matches(path.stem, known, n=1, cutoff=0.4)
    if near:
        file = os.path.relpath(known[near[0]])
        # what comes along and lies elsewhere is known by its name
        return f'; did you mean {near[0] if file.startswith("..") else file}?'
    if shipped.is_relative_to(Path.cwd()) or OWN.is_dir():
        return '; the configs are in configs/'
    return '; `pasture configs` copies those that come with Pasture' if known else ''
