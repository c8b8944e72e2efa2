"""Reads dumped configs without executing them, and compares configs."""
import ast
import inspect
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.runner import Runner

from plugin.utils import UserError
from plugin.utils.config import wrapped_key

# MMEngine reads these beside the arguments of its Runner; other keys only serve the config itself
MORE_KEYS = ('auto_scale_lr', 'compile', 'custom_imports', 'efficient_conv_bn_eval',
             'find_unused_parameters', 'model_wrapper_cfg', 'runner_type', 'sync_bn')
# they differ between any two runs and do not change the training
UNTOLD = ('cfg', 'experiment_name', 'launcher', 'resume', 'work_dir')


class Difference(NamedTuple):
    """A setting in which configs differ: its path, and its text in each config or None."""

    path: str
    texts: list[str | None]


def read_config(path: str | Path) -> dict[str, Any]:
    """Read a config as MMEngine writes it: names, ``dict(...)`` and plain values.

    Args:
        path (str | Path): The file, such as ``vis_data/config.py`` of a run.

    Returns:
        dict: Its content.

    Raises:
        OSError: If it cannot be read.
        UserError: If it holds anything else.
    """
    try:
        text = Path(path).read_text(encoding='utf-8')
    except ValueError as error:
        raise UserError(_not_written(path, error)) from error
    return parse_config(text, path)


def parse_config(text: str, name: str | Path) -> dict[str, Any]:
    """Read the text of a config as MMEngine writes it; see :func:`read_config`.

    Args:
        text (str): The text, also that of ``meta['cfg']`` of a checkpoint.
        name (str | Path): What the messages call it.

    Returns:
        dict: Its content.

    Raises:
        UserError: If it holds anything but names, ``dict(...)`` and plain values.
    """
    try:
        return dict(map(_assigned, ast.parse(text).body))
    except (AttributeError, MemoryError, RecursionError, SyntaxError, TypeError,
            ValueError) as error:
        raise UserError(_not_written(name, error)) from error


def flatten(config: Mapping[str, Any]) -> dict[str, str]:
    """Values of a config that a Runner reads, as text by their path.

    Args:
        config (Mapping): The config.

    Returns:
        dict: ``{'optim_wrapper.optimizer.lr': '0.01'}``. A list of parts, as a pipeline, is one
        value with a line for each part. The network inside a method for unlabelled images
        is ``model``, as it is in the config without that method, and the rest ``method``.
    """
    known = {*inspect.signature(Runner).parameters, *MORE_KEYS}.difference(UNTOLD)
    flat: dict[str, str] = {}
    content = dict(config)
    model = content.get('model')
    inside = wrapped_key(model) if isinstance(model, Mapping) else None
    if isinstance(model, Mapping) and inside is not None:
        method = {key: value for key, value in model.items() if key != inside}
        content.update(model=model[inside], method=method)
        known.add('method')
    else:
        content.pop('method', None)
    for key, value in content.items():
        if key in known:
            _flatten(str(key), value, flat)
    return flat


def differences(flats: Sequence[Mapping[str, str]]) -> list[Difference]:
    """Values in which configs differ.

    Args:
        flats (Sequence[Mapping]): What :func:`flatten` returns, for each config.

    Returns:
        list[Difference]: By path.
    """
    paths = {path: None for flat in flats for path in flat}
    rows = [Difference(path, [flat.get(path) for flat in flats]) for path in sorted(paths)]
    return [row for row in rows if len(set(row.texts)) > 1]


def changes_against_bases(config: Config, source: str | Path | None = None
                          ) -> dict[str, Any] | None:
    """What a config changes against the files it builds upon, the command line included.

    Args:
        config (Config): As it was used.
        source (str | Path, optional): Its file. Defaults to the one it was read from.

    Returns:
        dict | None: ``config``, ``bases`` (their names) and ``changes``, each a path, the text of
        the bases and the own one, or null. None where the file or a base is not to be found.
    """
    source = Path(source or config.filename or '')
    try:
        bases = _bases(source)
        with tempfile.TemporaryDirectory() as folder:
            merged = Path(folder) / 'bases.py'
            merged.write_text(f'_base_ = {bases!r}\n', encoding='utf-8')
            base = Config.fromfile(merged, import_custom_modules=False)
    # a config is a program: anything may happen in it
    except Exception:
        return None
    changes = differences([flatten(base), flatten(config)])
    return dict(config=source.name, bases=[base.rpartition('/')[2] for base in bases],
                changes=[[change.path, *change.texts] for change in changes])


def _bases(source: Path) -> list[str]:
    """Files that a config names as its bases; fails where it names none."""
    tree = ast.parse(source.read_text(encoding='utf-8'))
    value = next(ast.literal_eval(line.value) for line in tree.body
                 if isinstance(line, ast.Assign) and getattr(line.targets[0], 'id', '') == '_base_')
    names = [value] if isinstance(value, str) else value
    return [name if '::' in name else (source.resolve().parent / name).as_posix()
            for name in names]


def _not_written(name: str | Path, error: Exception) -> str:
    return f'{name} is no config as MMEngine writes it into a work directory ({error})'


def _assigned(line: ast.stmt) -> tuple[str, Any]:
    if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
        raise ValueError(f'line {line.lineno} assigns no name')
    return line.targets[0].id, _value(line.value)


def _value(node: ast.expr | None) -> Any:
    if node is None:
        raise ValueError('** has no plain value')
    if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'dict':
        found = {key: item for one in node.args for key, item in _value(one).items()}
        return {**found, **{entry.arg: _value(entry.value) for entry in node.keywords}}
    if isinstance(node, ast.Dict):
        return {_value(key): _value(item) for key, item in zip(node.keys, node.values)}
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [_value(item) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    return ast.literal_eval(node)


def _flatten(path: str, value: Any, flat: dict[str, str]) -> None:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            _flatten(f'{path}.{key}', item, flat)
    elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
        flat[path] = '\n'.join(map(_text, value))
    else:
        flat[path] = _text(value)


def _text(value: Any) -> str:
    """One line: a part of a pipeline as a call, ``RandomFlip(prob=0.5)``."""
    if isinstance(value, Mapping):
        # MMEngine sorts what it writes into a work directory
        inside = ', '.join(f'{key}={_text(value[key])}' for key in sorted(value, key=str)
                           if key != 'type')
        return f'{value.get("type", "dict")}({inside})'
    if isinstance(value, (list, tuple)):
        inside = ', '.join(map(_text, value))
        return f'[{inside}]' if isinstance(value, list) else f'({inside})'
    return repr(value)
