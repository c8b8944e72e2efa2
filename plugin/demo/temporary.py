"""The folder of all temporary files, which goes with the process, or with the next one."""
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from plugin.utils.locks import lock_folder

PREFIX = 'pasture_demo_'
BATCHES = 'batches'


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make the folder, with ``batches`` in it, and delete it at the end.

    Folders of processes that were killed are deleted first.

    Yields:
        Path: The folder.
    """
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name, lock_folder(Path(name)):
        # a folder without batches may be one that is not held yet
        (Path(name) / BATCHES).mkdir()
        yield Path(name)


def _sweep(root: Path) -> None:
    """Delete the folders that no process holds; on Windows, which cannot tell, none."""
    if os.name != 'posix':
        return
    for folder in root.glob(f'{PREFIX}*'):
        # others may write there, too: only what this user made, and no link
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and (folder / BATCHES).is_dir():
                with lock_folder(folder) as held:
                    if held:
                        shutil.rmtree(folder, ignore_errors=True)
