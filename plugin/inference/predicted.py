"""What became of the inputs of a prediction, and what an error of one of them costs."""
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import torch

from plugin.utils import UserError
from plugin.utils.console import write_line
from plugin.utils.errors import is_out_of_memory

from .count_total import CountTotal
from .writers import ImageError

SHORT = 'needs more memory than there is: give --tile 1024 or less, or make the image smaller'
# what costs only the image: while it is read, and while it is predicted and written
READING = (OSError, ValueError, cv2.error)
WRITING = (ImageError, cv2.error)


@dataclass
class Predicted:
    """What became of the inputs; printed, it is one sentence.

    Attributes:
        out (Path): Folder of the results.
        verb (str): What was done with them.
        done (int): Inputs that have results.
        failed (dict[Path, str]): Those that could not be done, and why.
        total (CountTotal, optional): The number of instances in all images, with its interval.
        before (int): How many of those that are done an earlier run did.
        is_whole (bool): Whether this is about all inputs; False of a process that ended while
            others still predict, one of which will write the tables.
    """

    out: Path
    verb: str
    done: int = 0
    failed: dict[Path, str] = field(default_factory=dict)
    total: CountTotal | None = None
    before: int = 0
    is_whole: bool = True

    def skip(self, path: Path, error: Exception) -> None:
        """Note and tell that an input could not be done."""
        text = str(error)
        self.failed[path] = text if str(path) in text else f'{path}: {text}'
        write_line(f'skipped: {self.failed[path]}', sys.stderr)

    def __str__(self) -> str:
        failed = f', {len(self.failed)} could not be done' if self.failed else ''
        before = f' ({self.before} of them before)' if self.before else ''
        return (f'{self.done} of {self.done + len(self.failed)} inputs {self.verb}{before}{failed}'
                f'; results in {self.out}')


@contextlib.contextmanager
def skipping(done: Predicted, path: Path, kinds: tuple[type[Exception], ...]) -> Iterator[None]:
    """Let an error of one input cost the others nothing: of these kinds, or for its size."""
    try:
        yield
    except Exception as error:
        told = cost_of(error, path, kinds)
        if told is None:
            raise
        done.skip(path, told)
    if path in done.failed:
        release_memory()


def release_memory() -> None:
    """Give back what a failed input took of a GPU.

    It stays with the allocator otherwise, in pieces that may not fit the next one.
    """
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def cost_of(error: Exception, path: Path, kinds: tuple[type[Exception], ...]) -> Exception | None:
    """What is told of an error that costs only its input; None for another one."""
    if is_out_of_memory(error):
        return UserError(f'{path} {SHORT}')
    if not isinstance(error, kinds):
        return None
    return _plain(error) if isinstance(error, cv2.error) else error


def _plain(error: cv2.error) -> UserError:
    """What OpenCV found, in words."""
    found = getattr(error, 'err', None) or str(error)
    if 'inv_scale' in found:
        return UserError('nothing is left of its short side when it is brought to the size that '
                         'the config sets: cut the image, or pad its short side')
    return UserError(f'OpenCV cannot read or prepare it: {found}')
