"""Texts of a Plotly specification, which takes some HTML, made harmless."""
from typing import Any

MARKUP = str.maketrans({'&': '&amp;', '<': '&lt;', '>': '&gt;'})


def plain_text(spec: Any, is_text: bool = False) -> Any:
    """A specification whose texts Plotly shows as they are: it takes some HTML, links too.

    Args:
        spec (Any): A specification, or a part of one.
        is_text (bool): Whether strings in this part are shown, as names and categories.

    Returns:
        Any: The same with ``&``, ``<`` and ``>`` escaped in what is shown.
    """
    if isinstance(spec, dict):
        return {key: plain_text(value, key in ('name', 'x', 'y', 'text'))
                for key, value in spec.items()}
    if isinstance(spec, list):
        return [plain_text(value, is_text) for value in spec]
    return spec.translate(MARKUP) if is_text and isinstance(spec, str) else spec
