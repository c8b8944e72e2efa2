"""Tensors of a checkpoint, within the bounds of what is stored."""
import math
from typing import Any

import torch
from torch import Tensor

from .plain_values import REPEATED, RefusedError, Stored

NUMBERS = ('float32', 'float64', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8',
           'bool', 'complex64', 'complex128', 'uint16', 'uint32', 'uint64', 'float8_e4m3fn',
           'float8_e5m2', 'float8_e4m3fnuz', 'float8_e5m2fnuz')
CONSTANTS: dict[str, Any] = {f'torch.{name}': getattr(torch, name) for name in NUMBERS
                             if hasattr(torch, name)}
NAMES = dict(Float='float32', Double='float64', Half='float16', BFloat16='bfloat16', Long='int64',
             Int='int32', Short='int16', Char='int8', Byte='uint8', Bool='bool',
             ComplexFloat='complex64', ComplexDouble='complex128')
STORAGES: dict[str, torch.dtype] = {
    'torch.storage.UntypedStorage': torch.uint8,
    **{f'{place}.{name}Storage': getattr(torch, dtype)
       for place in ('torch', 'torch.cuda') for name, dtype in NAMES.items()}}


def whole_numbers(values: Any) -> tuple[int, ...]:
    """Sizes, strides or an offset.

    Raises:
        ValueError: If they are anything else.
    """
    if type(values) not in (list, tuple, torch.Size) or not all(
            type(value) is int and 0 <= value < 1 << 62 for value in values):
        raise ValueError('no sizes')
    return tuple(values)


def bytes_of(dtype: torch.dtype) -> int:
    """Bytes of one number."""
    return torch.empty(0, dtype=dtype).element_size()


def tensor(stored: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False,
           hooks: Any = None, metadata: Any = None, dtype: Any = None) -> Tensor:
    """``torch._utils._rebuild_tensor_v2``, which would trust the sizes.

    Raises:
        RefusedError: If it is a tensor of a kind that is not read here.
        ValueError: If it is larger than its storage.
    """
    if type(stored) is not Stored or metadata:
        raise RefusedError('a tensor of another kind')
    dtype = dtype or stored.dtype
    each, room = bytes_of(dtype), stored.length * bytes_of(stored.dtype)
    # PyTorch counts on bools that are 0 or 1
    if (dtype is torch.bool) != (stored.dtype is torch.bool):
        raise ValueError('the storage has another dtype')
    size, stride = whole_numbers(size), whole_numbers(stride)
    if len(size) != len(stride) or len(size) > 64:
        raise ValueError(f'{len(size)} sizes and {len(stride)} strides')
    begin, = whole_numbers((offset, ))
    last = begin + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if (begin if 0 in size else last + 1) * each > room:
        raise ValueError(f'a tensor of {size} is larger than its storage')
    if math.prod(size) * each > max(room, REPEATED):
        raise ValueError(f'a tensor of {size} repeats {stored.length} numbers')
    made = torch.empty(0, dtype=dtype, device=stored.storage.device)
    made.set_(stored.storage, stored.start + begin, size, stride)
    return made.requires_grad_() if requires_grad is True else made


def tensor_v3(stored: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any,
              dtype: Any, metadata: Any = None) -> Tensor:
    """``torch._utils._rebuild_tensor_v3``, whose storage is of bytes."""
    if type(dtype) is not torch.dtype or type(stored) is not Stored or stored.start:
        raise ValueError('no dtype')
    return tensor(stored, offset, size, stride, requires_grad, hooks, metadata, dtype)


def parameter(data: Any, requires_grad: Any = True, hooks: Any = None) -> torch.nn.Parameter:
    """``torch._utils._rebuild_parameter``."""
    if type(data) is not Tensor:
        raise ValueError('a parameter of what is no tensor')
    return torch.nn.Parameter(data, requires_grad is True)


def size_of(numbers: Any) -> torch.Size:
    """``torch.Size``."""
    return torch.Size(whole_numbers(numbers))


def device(kind: Any, index: Any = None) -> torch.device:
    """``torch.device``."""
    if type(kind) is not str or index is not None and type(index) is not int:
        raise ValueError('no device')
    return torch.device(kind) if index is None else torch.device(kind, index)
