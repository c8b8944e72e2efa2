"""What may be in a checkpoint: tensors, arrays, and plain values in plain containers."""
import datetime
from argparse import Namespace
from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

# deeper than any config; what goes through a checkpoint by recursion must come to its end
DEPTH = 100
# bytes that views of a file may have beyond their storages, as torch.Tensor.expand makes them
REPEATED = 1 << 32
SIMPLE = (bool, int, float, str, type(None))
ATOMS = {*SIMPLE, bytes, HistoryBuffer, torch.Tensor, torch.nn.Parameter, torch.Size, torch.device,
         torch.dtype, np.ndarray, datetime.date, datetime.datetime, datetime.timedelta}
MAPPINGS = {dict, OrderedDict, Counter, ConfigDict}


class RefusedError(ValueError):
    """What is not read without trust.

    Args:
        what (str): What it is.
        needed (bool): Whether ``what`` is the name of a class or function.
    """

    def __init__(self, what: str, needed: bool = False) -> None:
        super().__init__(what)
        self.needed = needed


class Named(NamedTuple):
    """The name of a function or class; it cannot be called."""

    name: str


class Stored(NamedTuple):
    """Numbers of one or several tensors, or a part of them.

    Attributes:
        storage (torch.UntypedStorage): Bytes.
        dtype (torch.dtype): Type of the numbers.
        start (int): Number at which the part begins.
        length (int): Numbers in the part.
    """

    storage: torch.UntypedStorage
    dtype: torch.dtype
    start: int
    length: int


class Unfilled:
    """An array before its content is known, and its place in the memo of the pickle."""

    place = -1


class Budget:
    """How many values may be gone through, in proportion to the size of the file.

    A few bytes can say "ten times what was before" again and again; a walk through that would
    never end, and a copy of it not fit into memory.

    Args:
        length (int): Number of bytes.
    """

    def __init__(self, length: int) -> None:
        self.left, self.repeated = 10 * length + 100_000, REPEATED

    def spend(self, value: Any) -> None:
        """Count one value.

        Raises:
            RefusedError: If there have been too many.
        """
        self.left -= 1
        if isinstance(value, torch.Tensor):
            size = value.numel() * value.element_size()
            self.repeated -= max(0, size - value.untyped_storage().nbytes())
        if self.left < 0 or self.repeated < 0:
            raise RefusedError('values that repeat each other without end')


def check_key(key: Any) -> Any:
    """Refuse all keys but simple ones: the hash of a deeply nested tuple ends Python itself.

    Args:
        key (Any): Of a dict, or an item of a set.

    Returns:
        Any: The key.

    Raises:
        RefusedError: If it is neither simple nor a tuple of simple ones.
    """
    for one in key if type(key) is tuple else (key, ):
        if type(one) not in SIMPLE and not isinstance(one, np.generic):
            raise RefusedError(f'a key that is a {type(one).__name__}')
    return key


def check_plain(value: Any, budget: Budget, parts: bool = False, depth: int = 0) -> None:
    """Refuse all but plain values.

    Args:
        value (Any): Is gone through.
        budget (Budget): Limits the work.
        parts (bool): Also take what builders put together. Defaults to False.
        depth (int): How deep ``value`` lies.

    Raises:
        RefusedError: If anything else is in it, or it is nested too deeply, or in itself.
    """
    budget.spend(value)
    kind = type(value)
    if kind in ATOMS or isinstance(value, np.generic):
        return
    if parts and (kind in (Named, Stored) or isinstance(value, np.dtype)):
        return
    if depth == DEPTH:
        raise RefusedError('values that are nested too deeply')
    for item in _items(value):
        check_plain(item, budget, parts, depth + 1)


def _items(value: Any) -> Iterable[Any]:
    """The values in a container."""
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        return value
    if kind in MAPPINGS:
        # the attributes of a ConfigDict are those that it gives itself
        more = [] if kind is ConfigDict or kind is dict else vars(value).values()
        return [*dict.values(value), *more]
    if kind is Namespace:
        return vars(value).values()
    if kind is slice:
        return value.start, value.stop, value.step
    raise RefusedError(f'a {kind.__name__}')
