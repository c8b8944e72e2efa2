"""Arrays and scalars of NumPy in a checkpoint: numbers and text alone.

``numpy.dtype`` and ``numpy.ndarray`` trust the state that they are given; a false one ends the
process, or shows memory that is not theirs. So they are not given any.
"""
import math
import re
from typing import Any

import numpy as np
from mmengine.logging import HistoryBuffer

from .plain_values import Named, RefusedError, Unfilled
from .tensors import whole_numbers

ARRAY = 'numpy.ndarray'
DTYPE = re.compile(r'[?]|[biufc](1|2|4|8|16)|[SU]\d{1,6}')
LAST_CHARACTER = 0x10ffff


def array(kind: Any, shape: Any, code: Any) -> Unfilled:
    """``numpy.core.multiarray._reconstruct``; the content follows."""
    if kind != Named(ARRAY):
        raise RefusedError('an array of another kind')
    return Unfilled()


def number_type(code: Any, align: Any = False, copy: Any = False) -> np.dtype:
    """``numpy.dtype`` of numbers and text.

    Raises:
        RefusedError: If it is of anything else: objects, structures, dates.
    """
    if type(code) is not str or not DTYPE.fullmatch(code):
        raise RefusedError(f'an array of the type {str(code)[:20]!r}')
    return np.dtype(code)


def check_type_state(state: Any) -> None:
    """Refuse another byte order than that of this machine, and structures."""
    if type(state) is not tuple or len(state) < 5 or state[1] not in ('<', '|', '=') or any(
            item is not None for item in state[2:5]):
        raise RefusedError('an array of another byte order or structure')


def scalar(dtype: Any, data: Any) -> Any:
    """``numpy.core.multiarray.scalar``."""
    return filled((), dtype, False, data)[()]


def filled(shape: Any, dtype: Any, fortran: Any, data: Any) -> np.ndarray:
    """An array with its content.

    Raises:
        ValueError: If the content has another number of bytes than the array.
    """
    shape = whole_numbers(shape)
    if not isinstance(dtype, np.dtype) or type(data) is not bytes or len(shape) > 32 or (
            math.prod(shape) * dtype.itemsize != len(data)):
        raise ValueError(f'an array of {shape} with another number of bytes')
    order: Any = 'F' if fortran is True else 'C'
    if dtype.kind == 'b':
        # NumPy counts on bools that are 0 or 1
        return (np.frombuffer(data, np.uint8) != 0).reshape(shape, order=order)
    if not data:
        return np.zeros(shape if 0 in shape else (), dtype)
    flat = np.frombuffer(data, dtype).copy()
    if dtype.kind == 'U' and (flat.view(np.uint32) > LAST_CHARACTER).any():
        raise ValueError('text with characters that do not exist')
    return flat.reshape(shape, order=order)


def history() -> HistoryBuffer:
    """A ``HistoryBuffer``; the content follows."""
    return HistoryBuffer()


def fill_history(target: HistoryBuffer, state: dict[str, Any]) -> None:
    """Give a ``HistoryBuffer`` its numbers; its functions are those of the class."""
    values, counts = state['_log_history'], state['_count_history']
    length = state['max_length']
    if not (type(values) is type(counts) is np.ndarray and values.shape == counts.shape
            and values.ndim == 1 and values.dtype.kind in 'biuf' and counts.dtype.kind in 'biuf'
            and type(length) is int and length > 0):
        raise ValueError('a history of what are no numbers')
    target._log_history, target._count_history, target.max_length = values, counts, length
