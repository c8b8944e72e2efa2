"""OpenCV's own threads."""
import contextlib
from collections.abc import Iterator

import cv2


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let OpenCV do without threads; for what forks, around the fork.

    The threads end here, in the parent: a child that ends those of its parent waits for ever.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
