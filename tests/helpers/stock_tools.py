"""The tools that MMSegmentation and MMDetection bring with them, as one starts them."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.paths import ROOT


def stock(tool: str, *args, library: str = 'mmseg', **env) -> str:
    """Output of a script of ``mmseg`` or ``mmdet``, which must end with status 0."""
    script = Path(importlib.util.find_spec(library).origin).parent / '.mim/tools' / tool
    done = subprocess.run(
        [sys.executable, script, *map(str, args)], text=True, capture_output=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1', **env})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr
