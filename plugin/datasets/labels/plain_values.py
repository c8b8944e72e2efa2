"""Values of label files: numbers and lists as they are, nothing made of texts."""
import re
from collections.abc import Iterable, Sequence
from typing import Any

from plugin.utils.text import brief

DECIMAL = re.compile(r'[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?', re.ASCII)


def number(value: Any) -> float:
    """A number of a JSON file.

    Raises:
        TypeError: If it is a text or a truth value, which ``float`` would take.
        OverflowError: If it is larger than any float.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f'{brief(value)} is no number')
    return float(value)


def listed(value: Any) -> Sequence[Any]:
    """A list of a JSON file.

    Raises:
        TypeError: If it is a text or an object, of which ``iter`` would take letters or keys.
    """
    if not isinstance(value, (list, tuple)):
        raise TypeError(f'{brief(value)} is no list')
    return value


def decimals(texts: Iterable[str]) -> list[float]:
    """Decimal numbers, nan and inf, without the underscores and foreign digits of Python.

    Raises:
        ValueError: If a text is none.
    """
    values = []
    for text in texts:
        plain = text.strip()
        if not DECIMAL.fullmatch(plain) and plain.lstrip('+-').lower() not in (
                'nan', 'inf', 'infinity'):
            raise ValueError(f'{brief(text)} is no number')
        values.append(float(plain))
    return values
