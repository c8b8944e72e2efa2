"""How worker processes start."""
import multiprocessing
from multiprocessing.context import BaseContext


def start_context() -> BaseContext:
    """The context for worker processes: forked, or spawned where a system cannot fork (Windows).

    A forked process need not import the stack again.

    Returns:
        multiprocessing.context.BaseContext: For a pool; what it is given is pickled in both.
    """
    kinds = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context('fork' if 'fork' in kinds else 'spawn')
