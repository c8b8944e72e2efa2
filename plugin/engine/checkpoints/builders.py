"""The functions that a checkpoint may ask for, each made here, each checking what it is given."""
import datetime
from argparse import Namespace
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

from .arrays import (
    ARRAY,
    array,
    check_type_state,
    fill_history,
    filled,
    history,
    number_type,
    scalar,
)
from .plain_values import Named, RefusedError, Unfilled, check_key
from .tensors import CONSTANTS, STORAGES, device, parameter, size_of, tensor, tensor_v3

HISTORY = 'mmengine.logging.history_buffer.HistoryBuffer'
STATISTICS = ('min', 'max', 'current', 'mean')
# names that are given to builders and stand for nothing else
INERT = {*STORAGES, ARRAY}


def look_up(name: str) -> Any:
    """What stands for a name: a constant, or a note of the name that only builders understand.

    Raises:
        RefusedError: If it is none of the known ones.
    """
    if name in CONSTANTS:
        return CONSTANTS[name]
    if name in BUILDERS or name in INERT:
        return Named(name)
    raise RefusedError(name, needed=True)


def fill(target: Any, state: Any) -> Any:
    """Give an object the state that follows it.

    Returns:
        Any: ``target``, or for an array another object in its place.

    Raises:
        RefusedError: If such an object gets no state here.
    """
    if type(target) is Unfilled:
        _, shape, dtype, fortran, data = state
        return filled(shape, dtype, fortran, data)
    if isinstance(target, np.dtype):
        check_type_state(state)
        return target
    if type(state) is not dict or not all(type(key) is str for key in state):
        raise RefusedError(f'attributes of a {type(target).__name__}')
    if type(target) is HistoryBuffer:
        fill_history(target, state)
    elif type(target) is Namespace:
        vars(target).update(state)
    elif type(target) is OrderedDict and set(state) <= {'_metadata'}:
        _fill_metadata(target, state)
    else:
        raise RefusedError(f'attributes ({", ".join(state)[:40]}) of a {type(target).__name__}')
    return target


def _fill_metadata(target: Any, state: dict[str, Any]) -> None:
    """The versions of its modules, as ``torch.nn.Module.state_dict`` notes them."""
    versions = state.get('_metadata', OrderedDict())
    if type(versions) not in (dict, OrderedDict) or not all(
            type(each) is dict for each in versions.values()):
        raise RefusedError('metadata that are no dicts')
    target._metadata = versions


def _statistic(owner: Any, name: Any) -> None:
    """``getattr``, by which a ``HistoryBuffer`` refers to its methods; its class has them."""
    if owner != Named(HISTORY) or name not in STATISTICS:
        raise RefusedError('builtins.getattr', needed=True)


def _ordered(pairs: Any = ()) -> OrderedDict:
    if not all(len(_listed(pair)) == 2 for pair in _listed(pairs)):
        raise ValueError('no pairs of keys and values')
    return OrderedDict((check_key(key), value) for key, value in pairs)


def _counter(counts: Any = None) -> Counter:
    return Counter(_plain_dict(counts))


def _config(values: Any = None) -> ConfigDict:
    return ConfigDict(_plain_dict(values))


def _set(items: Any = ()) -> set:
    return {check_key(item) for item in _listed(items)}


def _frozenset(items: Any = ()) -> frozenset:
    return frozenset(_set(items))


def _slice(*ends: Any) -> slice:
    return slice(*ends)


def _bytes(text: Any, encoding: Any) -> bytes:
    """``_codecs.encode``, by which protocol 2 writes bytes."""
    if type(text) is not str or encoding not in ('latin1', 'latin-1'):
        raise ValueError('no bytes')
    return text.encode('latin-1')


def _no_bytes() -> bytes:
    """``bytes()``: all that protocol 2 writes of them by this name."""
    return b''


def _datetime(packed: Any) -> datetime.datetime:
    if type(packed) is not bytes or len(packed) != 10:
        raise ValueError('no time without a zone')
    # the class would take the bytes unchecked
    high, low, month, day, hour, minute, second = packed[:7]
    return datetime.datetime(high * 256 + low, month & 127, day, hour, minute, second,
                             int.from_bytes(packed[7:], 'big'), fold=month >> 7)


def _date(packed: Any) -> datetime.date:
    if type(packed) is not bytes or len(packed) != 4:
        raise ValueError('no date')
    return datetime.date(packed[0] * 256 + packed[1], packed[2], packed[3])


def _timedelta(*numbers: Any) -> datetime.timedelta:
    if not all(type(number) is int for number in numbers):
        raise ValueError('no time')
    return datetime.timedelta(*numbers)


def _plain_dict(values: Any) -> dict:
    if values is not None and type(values) is not dict:
        raise ValueError('no dict')
    return values or {}


def _listed(values: Any) -> Any:
    if type(values) not in (list, tuple):
        raise ValueError('no list')
    return values


BUILDERS: dict[str, Callable[..., Any]] = {
    'torch._utils._rebuild_tensor': tensor, 'torch._utils._rebuild_tensor_v2': tensor,
    'torch._utils._rebuild_tensor_v3': tensor_v3, 'torch._utils._rebuild_parameter': parameter,
    'torch.Size': size_of, 'torch.device': device, 'collections.OrderedDict': _ordered,
    'collections.Counter': _counter, 'builtins.set': _set, 'builtins.frozenset': _frozenset,
    'builtins.slice': _slice, 'builtins.getattr': _statistic, 'builtins.bytes': _no_bytes,
    '_codecs.encode': _bytes,
    # files of NumPy 1 and 2 name one function differently
    **{f'numpy.{core}.multiarray.{name}': function for core in ('core', '_core')
       for name, function in (('_reconstruct', array), ('scalar', scalar))},
    'numpy.dtype': number_type, HISTORY: history, 'mmengine.config.config.ConfigDict': _config,
    'argparse.Namespace': Namespace, 'datetime.datetime': _datetime, 'datetime.date': _date,
    'datetime.timedelta': _timedelta}
