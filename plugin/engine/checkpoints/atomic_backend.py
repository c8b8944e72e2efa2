"""Storage for files that must never be seen half written."""
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from plugin.utils import write_atomically


@register_backend('atomic', force=True)
class AtomicBackend(LocalBackend):
    """Local files, written whole or not at all.

    A process killed in the middle, or a disk that is full, leaves the older file as it was; a file
    that was written is on the disk and outlives a loss of power.
    Chosen by ``backend_args=dict(backend='atomic')``, e.g. of the checkpoint hook.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes.

        Args:
            obj (bytes): The content.
            filepath (str | Path): The file; missing folders are made.
        """
        write_atomically(filepath, obj, durable=True)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text in ``encoding``; see :meth:`put`."""
        write_atomically(filepath, obj.encode(encoding), durable=True)
