"""How worker processes start."""
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.context import BaseContext
from typing import TypeVar

Item = TypeVar('Item')
Done = TypeVar('Done')


def start_context() -> BaseContext:
    """The context for worker processes: forked, or spawned where a system cannot fork (Windows).

    A forked process need not import the stack again.

    Returns:
        multiprocessing.context.BaseContext: For a pool; what it is given is pickled in both.
    """
    kinds = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context('fork' if 'fork' in kinds else 'spawn')


def usable_cores() -> int:
    """How many cores this process may use: of a cluster's machine, only some may be ours."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return cores or 1


def usual_workers(most: int = 16) -> int:
    """How many worker processes this process may well have: one a core that is its own.

    Args:
        most (int): At most so many. Defaults to 16.

    Returns:
        int: 0 where it has one core, which would do the same work in turns.
    """
    # processes of torchrun share them
    own = usable_cores() // int(os.environ.get('LOCAL_WORLD_SIZE', '1'))
    return min(own, most) if own > 1 else 0


def in_order(work: Callable[[Item], Done], items: Iterable[Item], threads: int) -> Iterator[Done]:
    """Do the work on items in threads; for work that spends its time outside of Python.

    Args:
        work (callable): What is done with an item.
        items (Iterable): The items.
        threads (int): How many are worked on at a time.

    Yields:
        Any: What became of each item, in their order; not more than ``threads`` are begun before
        the oldest of them is taken.

    Example:
        >>> from plugin.utils.workers import in_order
        >>> list(in_order(abs, [-1, 2, -3], threads=2))
        [1, 2, 3]
    """
    with ThreadPoolExecutor(threads) as pool:
        begun: deque[Future[Done]] = deque()
        try:
            for item in items:
                if len(begun) == threads:
                    yield begun.popleft().result()
                begun.append(pool.submit(work, item))
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
