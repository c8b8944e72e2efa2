"""MMSegmentation's own tools, as one starts them on a terminal."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.paths import CONFIGS

STOCK_TOOLS = Path(importlib.util.find_spec('mmseg').origin).parent / '.mim/tools'


def stock(tool: str, *args, **env) -> str:
    """Output of a script of MMSegmentation that must end well."""
    done = subprocess.run(
        [sys.executable, STOCK_TOOLS / tool, *map(str, args)], text=True, capture_output=True,
        env={**os.environ, 'PYTHONPATH': str(CONFIGS.parent), 'OMP_NUM_THREADS': '1', **env})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr
