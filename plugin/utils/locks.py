"""Locks that end with the process that holds them, however it ends.

Windows has none of this kind: there nothing is locked, and what killed runs left stays.
"""
import contextlib
import importlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from .errors import UserError

# None on Windows
fcntl: Any = importlib.import_module('fcntl') if os.name == 'posix' else None
NO_FILE = '{} is no plain file, as a lock must be: remove it'


@contextlib.contextmanager
def lock_file(path: Path) -> Iterator[IO[str] | None]:
    """Hold a lock file. It stays, and its content is left alone.

    Args:
        path (Path): The file; made where it is missing.

    Yields:
        IO | None: What holds the lock, also in processes that inherit it; None if another process
        holds it.

    Raises:
        UserError: If there is something else than a plain file, such as a link to one.
    """
    # a link could lead to any file of the user, and a pipe would wait for its other end
    flags = os.O_RDWR | os.O_CREAT
    if fcntl is not None:
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags, 0o666)
    except OSError as error:
        if path.is_symlink() or path.exists() and not path.is_file():
            raise UserError(NO_FILE.format(path)) from error
        raise
    with os.fdopen(handle, 'r', encoding='utf-8') as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UserError(NO_FILE.format(path))
        yield file if _take(handle) else None


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[bool]:
    """Hold a folder, without a file in it.

    Args:
        folder (Path): The folder; no link is followed.

    Yields:
        bool: Whether it is held; False if another process holds it.
    """
    if fcntl is None:
        yield True
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield _take(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def wait_for_folder(folder: Path) -> Iterator[None]:
    """Hold a folder, without a file in it, and wait until no other process does.

    Args:
        folder (Path): The folder.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def working_in(folder: Path, sweep: Callable[[], None]) -> Iterator[None]:
    """Note that this process works in a folder, as others may.

    Args:
        folder (Path): The folder.
        sweep (callable): Removes what earlier processes left; called if no other one works there.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # some file systems have no locks: nothing is swept
            if _take(handle):
                sweep()
            # one that begins now waits until the sweep is done
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
