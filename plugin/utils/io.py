"""Files that appear whole or not at all."""
import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import is_full_disk


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` when the block ends well.

    The temporary file lies in the same folder and keeps the suffix, so that
    writers which look at the suffix (OpenCV, matplotlib) can be used. Missing
    parent folders are made. If the block raises, nothing is left behind and an
    older file at ``path`` stays as it was.

    Args:
        path (str | Path): The file to write.

    Yields:
        Path: An empty file to write into.

    Raises:
        OSError: If the file cannot be written; names ``path`` where the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f'.{path.stem[:40]}.', suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; a result gets the usual permissions
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and is_full_disk(error) and error.filename is None:
            error.filename = str(path)
        raise


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


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write text (UTF-8) or bytes to ``path``, whole or not at all.

    Half letters, as of file names that are no UTF-8, are escaped as JSON and Python do.
    """
    with atomic_path(path) as temporary:
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
    with atomic_path(path) as temporary:
        try:
            torch.save(dict(checkpoint), temporary)
        except RuntimeError as error:
            # PyTorch's archive writer turns a full disk into this
            raise OSError(f'{path} cannot be written: {error}') from error
