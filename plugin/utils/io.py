"""Files that appear whole or not at all."""
import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import is_full_disk


@contextlib.contextmanager
def atomic_path(path: str | Path, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` when the block ends well.

    The temporary file lies in the same folder and keeps the suffix, so that
    writers which look at the suffix (OpenCV, matplotlib) can be used. Missing
    parent folders are made. If the block raises, nothing is left behind and an
    older file at ``path`` stays as it was. The permissions are those of the older
    file, or the usual ones of a new file.

    Args:
        path (str | Path): The file to write.
        durable (bool): Return only when the file is on the disk, where it outlives a loss of
            power. Defaults to False.

    Yields:
        Path: An empty file to write into.

    Raises:
        OSError: If the file cannot be written; names ``path`` where the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.is_file() else None
    temporary = _new_file(path, 0o666 if mode is None else mode & 0o666)
    try:
        yield temporary
        if durable:
            _flush(temporary, os.O_RDWR)  # Windows flushes only what is open for writing
        if mode is not None:
            temporary.chmod(mode)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and is_full_disk(error) and error.filename is None:
            error.filename = str(path)
        raise
    if durable:
        # some file systems cannot flush a folder, and need not
        with contextlib.suppress(OSError):
            _flush(path.parent, os.O_RDONLY)


def remove_leftovers(folder: Path, pattern: str) -> None:
    """Remove what :func:`atomic_path` left behind in processes that were killed.

    Args:
        folder (Path): The folder itself, without those in it. No living process may write there.
        pattern (str): Regular expression for the names of the files that were to be written.
    """
    names = re.compile(r'\.(?P<stem>.*)\.[a-z0-9_]{8}(?P<suffix>\.\w+)')
    for path in folder.iterdir():
        found = names.fullmatch(path.name)
        if found and re.fullmatch(pattern, found['stem'] + found['suffix']) and path.is_file():
            with contextlib.suppress(OSError):
                path.unlink()


def write_atomically(path: str | Path, content: str | bytes, durable: bool = False) -> None:
    """Write text (UTF-8) or bytes to ``path``, whole or not at all; see :func:`atomic_path`.

    Half letters, as of file names that are no UTF-8, are escaped as JSON and Python do.
    """
    with atomic_path(path, durable) as temporary:
        if isinstance(content, str):
            temporary.write_text(content, encoding='utf-8', errors='backslashreplace')
        else:
            temporary.write_bytes(content)


def write_checkpoint(checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        checkpoint (Mapping): ``state_dict`` and whatever belongs to it.
        path (str | Path): The file.

    Raises:
        OSError: If it cannot be written.
    """
    import torch  # slow to import, and the other functions do without
    with atomic_path(path, durable=True) as temporary:
        try:
            torch.save(dict(checkpoint), temporary)
        except RuntimeError as error:
            # PyTorch's archive writer turns a full disk into this
            raise OSError(f'{path} cannot be written: {error}') from error


def _new_file(path: Path, mode: int) -> Path:
    """Make an empty file beside ``path``; the umask takes its part of ``mode``."""
    while True:
        temporary = path.with_name(f'.{path.stem[:40]}.{secrets.token_hex(4)}{path.suffix}')
        with contextlib.suppress(FileExistsError):
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode | stat.S_IWUSR))
            return temporary


def _flush(path: Path, access: int) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, access)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
