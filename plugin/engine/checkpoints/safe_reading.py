"""Reading checkpoints without running what is in them.

A checkpoint is a pickle, and a pickle can name any function to call while it is read. Here only
tensors, plain Python values and the few classes of ``safe_classes`` are read, by
``torch.load(weights_only=True)``; everything else is refused, by name. ``import plugin`` puts this
in the place of MMEngine's loaders, which fall back to reading everything.
"""
import datetime
import os
import pickle
import re
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

from plugin.utils import UserError

TRUST = 'PASTURE_TRUST_CHECKPOINT'
CURE = f'if you trust who made it: --trust-checkpoint (or {TRUST}=1)'
STATISTICS = ('min', 'max', 'current', 'mean')
# the first bytes of an archive of PyTorch, and of a pickle with a protocol as PyTorch writes it
ZIP, PICKLE = b'PK', b'\x80'


class UntrustedCheckpointError(UserError):
    """A checkpoint that cannot be read without running code it names."""


class DamagedCheckpointError(UserError):
    """A file that is no checkpoint, or not all of one."""


def trusted() -> bool:
    """Whether the user vouches for the checkpoints, by ``PASTURE_TRUST_CHECKPOINT=1``."""
    return os.environ.get(TRUST, '') not in ('', '0')


def read_checkpoint(source: str | Path | BinaryIO, map_location: Any = 'cpu',
                    name: str | None = None) -> Any:
    """Read a checkpoint, by default without running any code it names.

    ``meta['config']``, the config as text in files of MMCV 1, is left out: MMEngine would run it
    on resume. Trusted files (see :func:`trusted`) are read as they are.

    Args:
        source (str | Path | BinaryIO): The file.
        map_location (Any): As in ``torch.load``.
        name (str, optional): What the messages call it. Defaults to the path.

    Returns:
        Any: What was saved, mostly a dict.

    Raises:
        OSError: If the file is not there, or may not be read.
        UntrustedCheckpointError: If it needs a class that can run code.
        DamagedCheckpointError: If it is no checkpoint, or not all of one.
    """
    name = name or str(source)
    try:
        loaded = torch.load(source, map_location=map_location, weights_only=not trusted())
    except (MemoryError, torch.cuda.OutOfMemoryError):
        raise
    except Exception as error:  # a file of any content may raise anything
        if isinstance(error, OSError) and error.errno is not None:
            raise  # it is the disk, not the file
        raise _explained(error, source, name) from error
    meta = loaded.get('meta') if isinstance(loaded, dict) else None
    if not trusted() and isinstance(meta, dict) and 'config' in meta:
        rest = {key: value for key, value in meta.items() if key != 'config'}
        return {**loaded, 'meta': rest}
    return loaded


def safe_classes() -> list[Callable]:
    """What checkpoints of OpenMMLab hold beside tensors and plain values; none of it runs code.

    Returns:
        list[Callable]: Classes and functions, each under the name that the files have for it.
    """
    core = getattr(np, '_core', None) or np.core
    kinds = {type(np.dtype(code)) for code in np.typecodes['AllInteger'] + np.typecodes['AllFloat']
             + '?SU'}
    arrays = [core.multiarray._reconstruct, core.multiarray.scalar]
    # files of NumPy 1 and 2 name one function differently
    both = [_named(function, f'numpy.{place}.multiarray', function.__name__)
            for function in arrays for place in ('core', '_core')]
    return [HistoryBuffer, _named(_statistic, 'builtins', 'getattr'), *both, np.ndarray, np.dtype,
            *kinds, ConfigDict, Namespace, slice, datetime.datetime, datetime.date,
            datetime.timedelta]


def allow_safe_classes() -> None:
    """Tell PyTorch of the safe classes; before 2.4 it knows tensors and plain values alone."""
    if hasattr(torch.serialization, 'add_safe_globals'):
        torch.serialization.add_safe_globals([*safe_classes()])


def _statistic(owner: Any, name: str) -> Callable:
    """All that ``getattr`` is there for: the methods that a ``HistoryBuffer`` refers to."""
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise UntrustedCheckpointError(f'builtins.getattr of {name!r}')
    return getattr(owner, name)


def _named(function: Callable, module: str, name: str) -> Callable:
    """The same function under another name, by which PyTorch finds it."""
    def call(*args: Any) -> Any:
        return function(*args)

    call.__module__, call.__name__, call.__qualname__ = module, name, name
    return call


def _explained(error: Exception, source: Any, name: str) -> ValueError:
    """Say in one sentence why a file cannot be read."""
    text = str(error).partition('WeightsUnpickler error:')[2].strip() or str(error).strip()
    reason = text.split('\n')[0] or 'the file is empty'
    if 'weights_only' in reason:
        reason = 'it is no archive and no pickle of PyTorch'
    # torch before 2.4 words it differently
    found = re.search(r'(?:GLOBAL|Unsupported class) (\S+)', text) or re.search(
        r'^(builtins\.getattr) of', text)
    begin, whole = _look(source)
    if found and not trusted():
        needed = found[1] if '.' in found[1] else f'builtins.{found[1]}'
        old = (f'; torch {torch.__version__} knows too few of the harmless ones, 2.4 and later '
               'more' if not hasattr(torch.serialization, 'add_safe_globals') else '')
        return UntrustedCheckpointError(
            f'{name} needs the Python class {needed}, which a file can use to run any program'
            f'{old}; {CURE}')
    # only a refusal of the reader is a reason to ask for trust; a lack of memory is not
    refused = isinstance(error, pickle.UnpicklingError) or 'TorchScript' in text
    if not trusted() and refused and whole and begin.startswith((ZIP, PICKLE)):
        reason = 'a program of TorchScript' if 'TorchScript' in text else reason
        return UntrustedCheckpointError(
            f'{name} holds more than tensors and plain values ({reason}), by which a file can run '
            f'any program; {CURE}')
    if begin.startswith(ZIP) and not whole:
        reason = 'its end is missing'
    return DamagedCheckpointError(
        f'{name} is no checkpoint of PyTorch ({type(error).__name__}: {reason}): give another '
        'file, or download it again')


def _look(source: Any) -> tuple:
    """The first bytes of a file, and whether its end is there."""
    try:
        if not isinstance(source, (str, Path)):
            source.seek(0)
            return source.read(2), True
        with Path(source).open('rb') as file:
            begin = file.read(2)
        return begin, not begin.startswith(ZIP) or zipfile.is_zipfile(source)
    except OSError:
        return b'', False


def download(url: str, folder: str | None = None) -> Path:
    """Fetch a file once; where PyTorch keeps its downloads, unless a folder is given."""
    target = Path(folder or Path(torch.hub.get_dir()) / 'checkpoints')
    path = target / Path(urlparse(url).path).name
    if not path.is_file():
        target.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), progress=os.isatty(2))
    return path
