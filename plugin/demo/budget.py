"""Memory that the visitors share."""
import contextlib
import threading
from collections.abc import Iterator


class Budget:
    """Lets work wait that would take more memory, together with the work that goes on.

    Args:
        total (int): Bytes. Work that takes more is done alone.
    """

    def __init__(self, total: int) -> None:
        self.total, self._held = total, 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Wait until so many bytes are left, and hold them for the time of the block."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + size <= self.total)
            self._held += size
        try:
            yield
        finally:
            with self._changed:
                self._held -= size
                self._changed.notify_all()
