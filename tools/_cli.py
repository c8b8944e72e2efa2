"""What train, test, predict and browse share on the command line.

Nothing heavy is imported before it is needed, so that ``--help`` answers at once.
"""
import argparse
import contextlib
import difflib
import errno
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

ROOT = Path(__file__).resolve().parents[1]
# lets the tools run without `pip install -e .`
sys.path.insert(0, str(ROOT))

USAGE, ERROR, INTERRUPTED = 2, 1, 130
# MMEngine reads these beside the arguments of its Runner
MORE_KEYS = ('activation_checkpointing', 'compile', 'custom_imports', 'efficient_conv_bn_eval',
             'find_unused_parameters', 'model_wrapper_cfg', 'sync_bn', 'tta_model', 'tta_pipeline')
# how MMEngine words a config that names what does not exist; the rest of these types are bugs
CONFIG_MISTAKE = re.compile(r'is not in the .*registry|unexpected keyword argument|'
                            r'required (keyword-only |positional )?argument|Failed to import')


def parser_for(doc: str, examples: str,
               config: str = 'config file, e.g. configs/fcn8s_barn.py') -> argparse.ArgumentParser:
    """Make the parser of a tool with the arguments all of them have."""
    parser = argparse.ArgumentParser(
        description=doc, epilog=f'examples:\n{examples}',
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help=config)
    parser.add_argument('--cfg-options', nargs='+', action='extend', type=_option, default=[],
                        metavar='KEY=VALUE', help='set values of the config, e.g. '
                        'train_cfg.max_iters=100; lists as "[a,b]" or a,b')
    parser.add_argument('--debug', action='store_true',
                        default=os.environ.get('PASTURE_DEBUG', '') not in ('', '0'),
                        help='show where in the code an error comes from (or PASTURE_DEBUG=1)')
    return parser


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add what the launchers of several processes pass."""
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
                        help='what started the processes (see dist_train.sh, slurm_train.sh)')
    # torchrun and its predecessors spell it in both ways
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)


def load_config(path: str, options: List[str]):
    """Read a config and set the values given on the command line.

    Args:
        path (str): The config file.
        options (list[str]): ``key=value``, as ``--cfg-options`` takes them.

    Returns:
        mmengine.Config: The config.

    Raises:
        FileNotFoundError: If there is no such file; names the nearest one.
        ValueError: If the file cannot be executed or an option cannot be set.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'config {path} does not exist{_nearest_config(path)}')
    from mmengine.config import Config, DictAction
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is a program: anything may happen in it
        cause = error.__context__ if isinstance(error, ImportError) else None
        raise ValueError(f'{path} cannot be read as a config: '
                         f'{type(error).__name__}: {cause or error}') from error
    values: Dict[str, Any] = {}
    for option in options:
        parser = argparse.ArgumentParser()
        parser.add_argument('--cfg-options', nargs='+', action=DictAction)
        values.update(parser.parse_args(['--cfg-options', option]).cfg_options)
    _warn_of_new_keys(cfg, values)
    try:
        cfg.merge_from_dict(values)
    except (AssertionError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f'--cfg-options {" ".join(options)} does not fit {path}: '
                         f'{error}') from error
    return cfg


def set_work_dir(cfg, work_dir: Optional[str], config: str) -> None:
    """Choose the work directory: command line, then config, then the name of the config."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)
    if Path(cfg.work_dir).exists() and not Path(cfg.work_dir).is_dir():
        raise FileExistsError(f'the work directory {cfg.work_dir} is a file; give another one')


def checkpoints_of(folder: Path) -> List[Path]:
    """The checkpoints of a folder, the one saved last at the end."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.glob('*.pth') if not path.name.startswith('.')),
                  key=lambda path: (path.stat().st_mtime_ns, path.name))


def existing_checkpoint(path: str, work_dir: Optional[str] = None) -> str:
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


@contextlib.contextmanager
def plain_errors(debug: bool, running=lambda: False) -> Iterator[None]:
    """Turn the mistakes of a user into one sentence and exit status 1.

    Args:
        debug (bool): Let every error through with its traceback.
        running (callable): Tells whether the work has begun. From then on only
            a full disk is the user's; everything else is a bug and is shown whole.
    """
    try:
        yield
    except Exception as error:
        if debug or not (_is_full_disk(error) or not running() and _is_mistake(error)):
            raise
        # MMEngine reports some errors through warnings before it raises them
        rank = os.environ.get('RANK', '0')
        where = f'process {rank}: ' if rank != '0' else ''
        sys.stdout.flush()
        print(f'error: {where}{_sentence(error)}', file=sys.stderr, flush=True)
        if _is_full_disk(error):
            print('hint: free some space; complete checkpoints are kept, so that a training '
                  'goes on with --resume', file=sys.stderr)
        raise SystemExit(ERROR) from None


def is_main() -> bool:
    """Whether this process is the one that talks, before the processes know each other."""
    return os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0'


def say(text: str) -> None:
    """Print a line, once for all processes."""
    if is_main():
        print(text, flush=True)


def warn(text: str) -> None:
    """Print a warning, once for all processes."""
    if is_main():
        print(f'warning: {text}', file=sys.stderr, flush=True)


def _option(text: str) -> str:
    if not re.fullmatch(r'[^=\s][^=]*=.*', text, re.DOTALL):
        raise argparse.ArgumentTypeError(f'{text!r} is not KEY=VALUE')
    return text


def _nearest_config(path: str) -> str:
    folders = {Path(path).parent, Path('configs'), ROOT / 'configs'}
    known = {file.stem: file for folder in folders if folder.is_dir()
             for file in folder.glob('*.py')}
    near = difflib.get_close_matches(Path(path).stem, known, n=1, cutoff=0.4)
    if near:
        return f'; did you mean {os.path.relpath(known[near[0]])}?'
    return '; the configs are in configs/' if known else ''


def _warn_of_new_keys(cfg, values: Dict[str, Any]) -> None:
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


def _is_full_disk(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _is_mistake(error: BaseException) -> bool:
    if isinstance(error, (OSError, ValueError)):
        return True
    return (isinstance(error, (AttributeError, ImportError, KeyError, TypeError))
            and CONFIG_MISTAKE.search(str(error)) is not None)


def _sentence(error: BaseException) -> str:
    # str() of a KeyError puts its text into quotes
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    lines = text.strip().splitlines() or [type(error).__name__]
    # an error of a worker process carries the traceback in its text
    text = lines[-1] if any('Traceback' in line for line in lines) else ' '.join(lines)
    unknown = re.match(r'(\S+) is not in the (\w+)::(.+) registry', text)
    if unknown:
        text = f'type={unknown[1]!r} is no {unknown[3]} that {unknown[2]} or this project knows'
        text += _nearest_type(*unknown.groups())
    return text if text[-1] in '.?!' else f'{text}.'




def _nearest_type(name: str, scope: str, kind: str) -> str:
    import importlib

    from mmengine.registry import Registry
    known = set()
    for module in (f'{scope}.registry', 'mmengine.registry'):
        for registry in vars(importlib.import_module(module)).values():
            if isinstance(registry, Registry) and registry.name == kind:
                known.update(registry.module_dict)
    near = difflib.get_close_matches(name, known, n=1)
    return f'; did you mean {near[0]}?' if near else ''
