"""A page in the browser on which a trained model is tried: the server, the page, and its files.

:func:`serve` starts it. Gradio, an extra, is imported by that call and not before.
"""
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import Server, serve

__all__ = ['Server', 'serve']


def __getattr__(name: str) -> Any:
    """Import what is named here when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from . import app
    return getattr(app, name)
