"""The tools that MMSegmentation and MMDetection bring with them, as one starts them."""
import importlib.util
from pathlib import Path

from tests.helpers.forked import run_script


def stock_tool(name: str, library: str = 'mmseg') -> Path:
    """A script of ``mmseg`` or ``mmdet``, such as ``train.py``."""
    return Path(importlib.util.find_spec(library).origin).parent / '.mim/tools' / name


def stock(tool: str, *args, folder: Path, library: str = 'mmseg', **env) -> str:
    """Output of a script of ``mmseg`` or ``mmdet``, which must end with status 0.

    It runs in ``folder``, with the plugin imported; that it is found by a Python that starts is
    tested with the wheel.
    """
    done = run_script(stock_tool(tool, library), args, folder, env)
    assert done.status == 0, done.out[-2000:] + done.err[-4000:]
    return done.out + done.err
