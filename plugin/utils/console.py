"""Lines, warnings and progress bars on the terminal, once for all processes."""
import errno
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO, TypeVar

from .text import printable

if TYPE_CHECKING:
    from rich.text import Text

T = TypeVar('T')


def is_main() -> bool:
    """Whether this process is the one that talks, before the processes know each other."""
    return os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0'


def say(*lines: str) -> None:
    """Print lines, once for all processes; control characters are escaped."""
    if is_main():
        for line in lines:
            write_line(line, sys.stdout)


def warn(text: str) -> None:
    """Print a warning, once for all processes; control characters are escaped."""
    if is_main():
        write_line(f'warning: {text}', sys.stderr)


def cell(text: str) -> 'Text':
    """A text for a table of rich: no mark-up, control characters escaped."""
    from rich.text import Text
    return Text(printable(text))


def write_line(text: str, stream: TextIO) -> None:
    """Write a line, control characters escaped; a terminal that was closed stops nothing."""
    try:
        print(printable(text), file=stream, flush=True)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # what is still to be written goes nowhere, also at the end of Python
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def progress(items: Iterable[T], text: str, total: int | None = None,
             transient: bool = False) -> Iterable[T]:
    """Go through items with a progress bar on the error output, where that is a terminal.

    Args:
        items (Iterable): N items.
        text (str): What is done with them.
        total (int, optional): N, where the items do not tell it.
        transient (bool): Remove the bar at the end. Defaults to False.

    Returns:
        Iterable: The same items.

    Example:
        >>> from plugin.utils.console import progress
        >>> sum(progress([1, 2, 3], 'adding'))
        6
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import track
    console = Console(stderr=True)
    return track(items, escape(printable(text)), total=total, console=console, transient=transient,
                 disable=not console.is_terminal)
