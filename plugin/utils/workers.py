"""How worker processes start."""
import multiprocessing
import os
from multiprocessing.context import BaseContext


def start_context() -> BaseContext:
    """The context for worker processes: forked, or spawned where a system cannot fork (Windows).

    A forked process need not import the stack again.

    Returns:
        multiprocessing.context.BaseContext: For a pool; what it is given is pickled in both.
    """
    kinds = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context('fork' if 'fork' in kinds else 'spawn')


def usual_workers(most: int = 8) -> int:
    """How many worker processes this process may well have: one a core that is its own.

    Args:
        most (int): At most so many. Defaults to 8.

    Returns:
        int: 0 where it has one core, which would do the same work in turns.
    """
    # of a cluster's machine, only some may be ours
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    # processes of torchrun share them
    own = (cores or 1) // int(os.environ.get('LOCAL_WORLD_SIZE', '1'))
    return min(own, most) if own > 1 else 0
