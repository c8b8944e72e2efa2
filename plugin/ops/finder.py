"""Finds a stand-in for ``mmcv._ext``, the compiled extension of mmcv, where there is none.

It uses the standard library alone and imports nothing before it is asked: a ``.pth`` file may run
it at the start of every Python, so that MMDetection's own tools find the operators too.
"""
from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` and the others take milliseconds, at every start of Python
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

EXTENSION = 'mmcv._ext'
VARIABLE = 'PASTURE_OPS'
KINDS = ('auto', 'pytorch', 'compiled')


class OperatorFinder:
    """An entry of ``sys.meta_path`` for exactly one name, :data:`EXTENSION`."""

    # tells its copies apart from others: this file may be loaded under two names
    stands_in_for = EXTENSION

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """Where the module is, or None for every other name.

        Raises:
            ImportError: The environment variable ``PASTURE_OPS`` holds none of :data:`KINDS`.
        """
        if name != EXTENSION:
            return None
        if wanted() not in KINDS:
            raise ImportError(f'{VARIABLE}={wanted()} is none of {", ".join(KINDS)}')
        if wanted() == 'compiled':
            return None
        from importlib.util import spec_from_file_location
        folder = os.path.dirname(os.path.abspath(__file__))
        # a package, so that extension.py finds its neighbours without `import plugin`
        return spec_from_file_location(EXTENSION, os.path.join(folder, 'extension.py'),
                                       submodule_search_locations=[folder])


def wanted() -> str:
    """The value of the environment variable ``PASTURE_OPS``; 'auto' where it is not set."""
    return os.environ.get(VARIABLE) or 'auto'


def serving() -> str | None:
    """Which operators this process has loaded: 'pytorch', 'compiled', or None before that."""
    module = sys.modules.get(EXTENSION)
    if module is None:
        return None
    return 'pytorch' if getattr(module, 'STAND_IN', False) else 'compiled'


def install() -> None:
    """Let ``import mmcv.ops`` work where mmcv has no compiled extension.

    A compiled one goes first, unless ``PASTURE_OPS=pytorch``. May be called again.
    """
    sys.meta_path[:] = [finder for finder in sys.meta_path
                        if getattr(finder, 'stands_in_for', None) != EXTENSION]
    if wanted() in ('auto', 'compiled'):
        sys.meta_path.append(OperatorFinder)
    else:
        sys.meta_path.insert(0, OperatorFinder)


def use(kind: str) -> None:
    """Choose the operators of mmcv for this process and those that it starts.

    Args:
        kind (str): 'pytorch', 'compiled', or 'auto' for the compiled ones where there are any.

    Raises:
        ValueError: ``kind`` is none of these.
        RuntimeError: The operators are loaded already, and are others.

    Example:
        >>> from plugin.ops import serving, use
        >>> use('pytorch')  # doctest: +SKIP
        >>> import mmcv.ops
        >>> serving()  # doctest: +SKIP
        'pytorch'
    """
    if kind not in KINDS:
        raise ValueError(f'kind={kind!r} is none of {", ".join(KINDS)}')
    if kind != 'auto' and serving() not in (None, kind):
        raise RuntimeError(f'mmcv.ops is loaded with {serving()} operators: '
                           f'choose before it is imported, or start with {VARIABLE}={kind}')
    os.environ[VARIABLE] = kind
    install()
