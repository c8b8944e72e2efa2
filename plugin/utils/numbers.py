"""Numbers from files: which are usable, and JSON that holds no others."""
import math
from typing import Any

import numpy as np

from .text import printable

LARGEST = 1e300  # a sum of numbers up to here is finite


def is_number(value: Any, least: float = -LARGEST, most: float = LARGEST) -> bool:
    """Whether a value is a number within limits; NaN, infinity and True are none.

    Example:
        >>> from plugin.utils.numbers import is_number
        >>> is_number(0.5), is_number(float('nan')), is_number(10 ** 400)
        (True, False, False)
    """
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and least <= value <= most)


def jsonable(value: Any, readable: bool = False) -> Any:
    """A value as JSON can hold it: NaN and infinity become None, arrays lists.

    Args:
        value (Any): Of dicts, lists, tuples, arrays and plain values.
        readable (bool): Escape control characters in its texts. Defaults to False.

    Returns:
        Any: Of dicts, lists and plain values.
    """
    if isinstance(value, dict):
        return {key: jsonable(item, readable) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [jsonable(item, readable) for item in value]
    if isinstance(value, str):
        return printable(value) if readable else value
    value = value.item() if hasattr(value, 'item') else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
