"""Errors of one image, turned into what its visitor is told."""
import contextlib
import traceback
from collections.abc import Iterator

from plugin.inference.headers import TooLarge
from plugin.utils.errors import is_full_disk, is_out_of_memory

from .archives import Refusal


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Turn any error of one image into a refusal, so that the others keep their results."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        if is_full_disk(error):
            raise Refusal('could not be kept: the disk of this computer is full') from error
        if needs_memory(error):
            raise Refusal('needs more memory than this computer has; make it smaller') from error
        traceback.print_exc()
        raise Refusal('could not be done for an error of the program, which its console '
                      'tells') from error


@contextlib.contextmanager
def enough_memory() -> Iterator[None]:
    """Turn a lack of memory into a sentence."""
    try:
        yield
    except Exception as error:
        if not needs_memory(error):
            raise
        raise Refusal('The memory of this computer is too small for this now; try again in some '
                      'minutes.') from error


def needs_memory(error: Exception) -> bool:
    return isinstance(error, TooLarge) or is_out_of_memory(error)
