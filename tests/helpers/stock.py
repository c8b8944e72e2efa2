"""Runs the training and test scripts that MMSegmentation and MMDetection bring with them."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.paths import ROOT


def stock(library: str, tool: str, *args, **env) -> str:
    """Output of a script of ``mmseg`` or ``mmdet``, which must end with status 0."""
    script = Path(importlib.util.find_spec(library).origin).parent / '.mim/tools' / tool
    done = subprocess.run(
        [sys.executable, script, *map(str, args)], text=True, capture_output=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1', **env})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr
