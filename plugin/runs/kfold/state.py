"""Files from which k-fold training goes on, which a disk may have damaged."""
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plugin.utils import UserError


def read_state(path: Path, cure: str, *checks: Callable[[Any], bool]) -> Any:
    """Read a JSON file that an earlier start wrote.

    Args:
        path (Path): The file.
        cure (str): What to do if it is damaged.
        checks (callable): What must hold for its content.

    Returns:
        Any: The content.

    Raises:
        UserError: If it is damaged; names the file and the cure.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        if all(check(content) for check in checks):
            return content
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        pass
    raise UserError(f'{path} is damaged: {cure}')
