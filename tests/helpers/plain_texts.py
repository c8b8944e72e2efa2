"""Configs are written without yapf, which takes longer than a small training; see config_text."""
from plugin.utils import config_text

_format = config_text._format


def _plain(config) -> str:
    object.__setattr__(config, '_format_python_code', False)
    return _format(config)


def leave_texts_plain() -> None:
    """Format no config in this process and in those that are forked from it."""
    config_text._format = _plain


def formatted(config) -> str:
    """The text as it is outside of the tests."""
    return _format(config)
