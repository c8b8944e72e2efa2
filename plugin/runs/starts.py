"""What tools that start trainings share: their own arguments, and one of them in a folder."""
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from plugin.utils import UserError
from plugin.utils.locks import lock_file

GRACE = 60  # seconds that a training has to end after Ctrl-C
INTERRUPTED = (130, -2)  # exit statuses of a training that Ctrl-C ended
# arguments of train.py that are chosen for each training
OWN = ('--work-dir', '--resume', '--launcher', '--local_rank', '--local-rank')
# they change nothing of what is learned
HARMLESS = ('--debug', '--no-check', '--trust-checkpoint')


@contextlib.contextmanager
def locked(work_dir: Path, tool: str) -> Iterator[IO[str]]:
    """Keep a second process from training in the same folder.

    Args:
        work_dir (Path): The folder; made where it is missing.
        tool (str): What works in it, such as ``kfold.py``.

    Yields:
        IO: What holds the lock.

    Raises:
        FileExistsError: If the folder is a file.
        UserError: If another process works in it.
    """
    if work_dir.exists() and not work_dir.is_dir():
        raise FileExistsError(f'the work directory {work_dir} is a file: give another one')
    work_dir.mkdir(parents=True, exist_ok=True)
    with lock_file(work_dir / '.lock') as file:
        if file is None:
            raise UserError(f'{work_dir} is being worked on by another {tool}: wait for it, or '
                            'give another --work-dir')
        yield file


def refuse_own(arguments: list[str], own: tuple[str, ...] = OWN, each: str = 'fold') -> None:
    """Stop at arguments of train.py that are chosen for each training.

    Raises:
        UserError: Names the first of them.
    """
    foreign = [word for word in arguments if word.partition('=')[0] in own]
    if foreign:
        raise UserError(f'arguments has {foreign[0]}, which is chosen for each {each}: leave it '
                        'out')
