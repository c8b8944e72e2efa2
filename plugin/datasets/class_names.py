"""Checks of the names of classes in a config."""
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plugin.utils import UserError, first_few


def refuse_bare_string(metainfo: Mapping[str, Any] | None) -> None:
    """Raise ``UserError`` for ``classes=('cow')``, which Python reads as the string ``'cow'``.

    Args:
        metainfo (Mapping, optional): As given to a data set. A string that is the path
            of a file with one name a line passes, as MMEngine reads it.

    Raises:
        UserError: If ``classes`` is any other string.
    """
    classes = (metainfo or {}).get('classes')
    if isinstance(classes, str) and not Path(classes).is_file():
        raise UserError(
            f'classes is the string {classes!r}, not a list of names: write '
            f'classes=({classes!r}, ) with the comma, or give a file with one name a line')


def check_class_names(names: Sequence[str] | None, owner: str) -> None:
    """Raise ``UserError`` for a list of classes that is empty or names one twice.

    Args:
        names (Sequence[str], optional): The C names, in the order of the ids.
        owner (str): Name of the data set, for the message.

    Raises:
        UserError: If there is no name, or one occurs more than once.
    """
    if not names:
        raise UserError(f'{owner} does not know its classes: set '
                        "metainfo=dict(classes=('ground', 'cow')) in the order of the ids")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f'classes names {first_few(twice)} more than once: '
                        'give every class id a name of its own')
