"""Reading checkpoints without running what is in them.

A checkpoint is a pickle, and a pickle can name any function to call while it is read. Here only
tensors, arrays and plain values are read, by ``archives``, ``plain_pickle`` and the functions of
``builders``; everything else is refused, by name. ``import plugin`` puts this in the place of
MMEngine's loaders, which fall back to reading everything.
"""
import hashlib
import os
import re
import zipfile
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlparse

import torch

from plugin.utils import UserError

from .archives import ZIP, read_plain
from .plain_values import RefusedError

TRUST = 'PASTURE_TRUST_CHECKPOINT'
CURE = f'if you trust who made it: --trust-checkpoint (or {TRUST}=1)'
# published files have the beginning of their SHA-256 in their names
HASH = re.compile(r'-([0-9a-f]{8,64})\.')


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

    The config that a checkpoint holds as text is left out, as MMEngine would run it: that of
    MMCV 1 on resume, that of MMEngine by an inferencer without a config. Trusted files (see
    :func:`trusted`) are read as they are, but for the first of the two.

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
        loaded = (torch.load(source, map_location=map_location, weights_only=False) if trusted()
                  else read_plain(source, map_location))
    except (MemoryError, torch.cuda.OutOfMemoryError):
        raise
    except RefusedError as error:
        what = (f'needs the Python class {error}, which a file can use to run any program'
                if error.needed else f'holds more than tensors and plain values ({error}), by '
                'which a file can run any program')
        raise UntrustedCheckpointError(f'{name} {what}; {CURE}') from error
    except Exception as error:  # a file of any content may raise anything
        if isinstance(error, OSError) and error.errno is not None:
            raise  # it is the disk, not the file
        raise _damaged(error, source, name) from error
    if isinstance(loaded, dict):
        _check_parts(loaded, name)
        _leave_out_configs(loaded)
    return loaded


def _check_parts(loaded: dict[str, Any], name: str) -> None:
    """Refuse what MMEngine would take for a dict."""
    for key in ('meta', 'state_dict', 'message_hub'):
        part = loaded.get(key)
        if part is not None and not isinstance(part, dict) and not trusted():
            raise UntrustedCheckpointError(
                f'{name} holds a {type(part).__name__} where the dict {key!r} belongs, by which a '
                f'file can mislead MMEngine; {CURE}')


def _leave_out_configs(loaded: dict[str, Any]) -> None:
    """Remove the config as text; what was read has the methods of dict itself."""
    meta, hub = loaded.get('meta'), loaded.get('message_hub')
    if isinstance(meta, dict):
        dict.pop(meta, 'config', None)
    if trusted():
        return
    if isinstance(meta, dict):
        dict.pop(meta, 'cfg', None)
    info = hub.get('runtime_info') if isinstance(hub, dict) else None
    if isinstance(info, dict):
        info.pop('cfg', None)


def _damaged(error: Exception, source: Any, name: str) -> DamagedCheckpointError:
    """Say in one sentence why a file cannot be read."""
    reason = str(error).strip().split('\n')[0] or 'the file is empty'
    begin, whole = _look(source)
    if not begin:
        error, reason = EOFError(), 'the file is empty'
    elif begin.startswith(ZIP) and not whole:
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
    """Fetch a file once; where PyTorch keeps its downloads, unless a folder is given.

    Args:
        url (str): The address. All of it is in the name of the file, as different addresses end
            alike.
        folder (str, optional): Where to keep it.

    Returns:
        Path: The file; one that PyTorch or MMEngine fetched before, if its name tells the hash of
        what is in it.
    """
    target = Path(folder or Path(torch.hub.get_dir()) / 'checkpoints')
    name = Path(urlparse(url).path).name
    path = target / f'{hashlib.sha256(url.encode()).hexdigest()[:16]}-{name}'
    if not path.is_file():
        if _is_what_it_says(target / name):
            return target / name
        target.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), progress=os.isatty(2))
    return path


def _is_what_it_says(path: Path) -> bool:
    """Whether a file has the hash that is in its name."""
    told = HASH.search(path.name)
    if told is None or not path.is_file():
        return False
    found = hashlib.sha256()
    with path.open('rb') as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest().startswith(told[1])
