"""OpenCV's own threads and words."""
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


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let OpenCV say nothing of files that it cannot read, where that is said in a sentence."""
    # OpenCV 4, and 5, whose types are not those that are checked against
    log = cv2 if hasattr(cv2, 'setLogLevel') else cv2.utils.logging  # type: ignore[attr-defined]
    level = log.setLogLevel(0)
    try:
        yield
    finally:
        log.setLogLevel(level)
