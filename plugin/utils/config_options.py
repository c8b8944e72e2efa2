"""Values that are set in a config on the command line, and whether anything reads them."""
import argparse
import difflib
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from .console import warn
from .errors import UserError
from .text import first_few

# MMEngine reads these beside the arguments of its Runner
MORE_KEYS = ('activation_checkpointing', 'compile', 'custom_imports', 'efficient_conv_bn_eval',
             'find_unused_parameters', 'model_wrapper_cfg', 'runner_type', 'sync_bn', 'tta_model',
             'tta_pipeline')
# read by tools/predict.py, and copied for the others
PIPELINE = 'test_pipeline'
LONG = 3  # characters; a shorter text stands for other things as well


def set_options(cfg: Config, options: Sequence[str], name: str | Path) -> None:
    """Set values in a config.

    Args:
        cfg (mmengine.Config): The config.
        options (Sequence[str]): ``key=value``, as ``--cfg-options`` takes them.
        name (str | Path): Name of the config in messages.

    Raises:
        UserError: If one is malformed or does not fit, or would change nothing, because it sets a
            variable that was copied when the config was read.
    """
    values: dict[str, Any] = {}
    for option in options:
        if '=' not in option:
            raise UserError(f'--cfg-options {option} is not KEY=VALUE')
        parser = argparse.ArgumentParser()
        parser.add_argument('--cfg-options', nargs='+', action=DictAction)
        values.update(parser.parse_args(['--cfg-options', option]).cfg_options)
    _warn_of_new_keys(cfg, values)
    copies: dict[str, Any] = {}
    for key, value in values.items():
        copies.update(_copies(cfg, key, value))
    try:
        cfg.merge_from_dict({**copies, **values})
    except (AssertionError, IndexError, KeyError, TypeError) as error:
        raise UserError(f'--cfg-options {" ".join(options)} does not fit {name}: '
                        f'{error}') from error


def missing_parent(cfg: Config, option: str) -> str | None:
    """The part of a config that an option would have to create to set a value in it.

    Args:
        cfg (mmengine.Config): The config.
        option (str): ``key=value``.

    Returns:
        str, optional: Its name; None where there is the part in which the value is set.

    Example:
        >>> from mmengine.config import Config
        >>> from plugin.utils.config_options import missing_parent
        >>> missing_parent(Config(dict(model=dict(type='A'))), 'model.unsupervised.weight=1')
        'model.unsupervised'
    """
    parts = option.partition('=')[0].split('.')
    node: Any = cfg
    for depth, part in enumerate(parts[:-1]):
        if hasattr(node, 'keys') and part not in node:
            return '.'.join(parts[:depth + 1])
        try:
            node = _at(node, [part])
        except (IndexError, KeyError, TypeError, ValueError):
            return None  # merging tells what is wrong with it
    return None


def known_keys() -> set[str]:
    """What MMEngine reads of a config; everything else is a variable for the config itself."""
    return {*inspect.signature(Runner).parameters, *MORE_KEYS}


def holders(cfg: Config, key: str) -> list[str]:
    """Keys that are read and hold what a variable of the config had.

    Args:
        cfg (mmengine.Config): The config.
        key (str): The variable, or a part of it, as ``crop_size`` or ``train_pipeline.3.size``.

    Returns:
        list[str]: The keys, ``train_dataloader.dataset.pipeline.3.size``; empty if there is none.
    """
    parts = key.split('.')
    # a pipeline was copied as a whole, or a part of it
    for depth in range(1, len(parts) + 1):
        value, rest = _at(cfg, parts[:depth]), parts[depth:]
        found = ['.'.join([place, *rest]) for top in known_keys() if top in cfg
                 for place in _places(cfg[top], top, value, parts[depth - 1])]
        if found:
            return sorted(found)
    return []


def _copies(cfg: Config, key: str, value: Any) -> dict[str, Any]:
    """Where else a value has to be set; raises for a variable that nothing reads any more."""
    parts = key.split('.')
    if parts[0] in known_keys() or parts[0] not in cfg:
        return {}
    try:
        if _plain(_at(cfg, parts)) == _plain(value):
            return {}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        if parts[0] != PIPELINE:
            return {}  # merging tells what is wrong with it
    found = holders(cfg, key)
    if parts[0] == PIPELINE:
        if not found:
            warn(f'--cfg-options {key}: only tools/predict.py reads {PIPELINE} of this config')
        return dict.fromkeys(found, value)
    text = f'--cfg-options {key}={value} would change nothing: '
    if found:
        shown = first_few(found, 4)
        raise UserError(f'{text}the config was read, and its value was copied; set {shown} instead')
    # code of one's own may read what MMEngine does not
    own = [one for one in (cfg.get('custom_imports') or {}).get('imports', []) if one != 'plugin']
    text += (f'{parts[0]} is a variable of the config that nothing reads after that; set the keys '
             'that were computed from it, such as those of model or train_dataloader')
    if not own:
        raise UserError(text)
    warn(f'{text} (unless {own[0]} reads it)')
    return {}


def _at(cfg: Any, parts: Sequence[str]) -> Any:
    node = cfg
    for part in parts:
        node = node[int(part)] if isinstance(node, (list, tuple)) else node[part]
    return node


def _places(node: Any, place: str, value: Any, name: str) -> Iterator[str]:
    """Keys below a node that hold a value."""
    if _holds(node, place.split('.')[-1], value, name):
        yield place
    elif isinstance(node, dict):
        for key, inner in node.items():
            yield from _places(inner, f'{place}.{key}', value, name)
    elif isinstance(node, (list, tuple)):
        for index, inner in enumerate(node):
            yield from _places(inner, f'{place}.{index}', value, name)


def _holds(node: Any, key: str, value: Any, name: str) -> bool:
    if isinstance(value, str) and len(value) > LONG:
        # a root is the beginning of other paths
        return isinstance(node, str) and (node == value or node.startswith(f'{value}/'))
    if isinstance(value, (dict, list, tuple)) and len(value):
        return isinstance(node, (dict, list, tuple)) and _plain(node) == _plain(value)
    # a number by itself may be any
    return key == name and type(node) is type(value) and node == value


def _plain(value: Any) -> Any:
    """The value with lists for tuples."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _warn_of_new_keys(cfg: Config, values: dict[str, Any]) -> None:
    """A key that the config does not have is often a misspelt one, and then changes nothing."""
    told = set()
    for key in values:
        found = _new_name(cfg, key)
        if found and found[0] not in told:
            told.add(found[0])
            warn(f'--cfg-options {key}: the config has no {found[0]} yet{found[1]}')


def _new_name(cfg: Config, key: str) -> tuple[str, str] | None:
    """The part of a key that the config lacks, if that is suspicious, and a hint."""
    known = known_keys()
    node: Any = cfg
    parts = key.split('.')
    for depth, part in enumerate(parts):
        if isinstance(node, (list, tuple)):
            if not part.isdigit() or int(part) >= len(node):
                return None  # merging tells what is wrong with it
            node = node[int(part)]
        elif not hasattr(node, 'keys'):
            return None
        elif part in node:
            node = node[part]
        else:
            names = [*node, *known] if depth == 0 else list(node)
            near = difflib.get_close_matches(part, names, n=1, cutoff=0.75)
            # a new leaf is how one sets what the config leaves at its default
            if part in known or not (near or depth < len(parts) - 1 or depth == 0):
                return None
            hint = f'; did you mean {".".join([*parts[:depth], near[0]])}?' if near else ''
            return '.'.join(parts[:depth + 1]), hint
    return None
