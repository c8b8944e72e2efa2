"""The tools: their files, and a run that notes what was imported."""
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.helpers.paths import TOOLS

# paths below tools/, such as data/make_barn.py
SCRIPTS = sorted(str(path.relative_to(TOOLS)) for folder in (TOOLS, TOOLS / 'data')
                 for path in folder.glob('*.py') if not path.name.startswith('_'))
HEAVY = {'PIL', 'cv2', 'matplotlib', 'mmcv', 'mmdet', 'mmengine', 'mmseg', 'numpy', 'plugin',
         'rich', 'scipy', 'torch'}
CODE = """
import atexit, json, runpy, sys
path, report, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = path
atexit.register(lambda: open(report, 'w').write(json.dumps([sorted(sys.modules), sys.path])))
sys.path.insert(0, path.rpartition('/')[0])
runpy.run_path(path, run_name='__main__')
"""


class Ended(NamedTuple):
    """How a script ended: status, what it printed, the modules it imported, its path."""

    status: int
    out: str
    err: str
    modules: set[str]
    path: list[str]


def run_script(path: Path, *arguments: str, report: Path, more: str = '') -> Ended:
    """Run a script as Python does; ``report`` is a file to write, ``more`` a folder of modules."""
    done = subprocess.run(
        [sys.executable, '-I', '-c', f'import sys; sys.path += {[more] if more else []}\n{CODE}',
         str(path), str(report), *arguments], text=True, capture_output=True, check=False)
    modules, folders = json.loads(report.read_text('utf-8'))
    return Ended(done.returncode, done.stdout, done.stderr, set(modules), folders)
