"""Parts of the measurements on a GPU that fail in every way, and what becomes of them."""
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace


def good(**where):
    """Two rows, the second with a number that JSON does not know."""
    print('said by a part')
    yield dict(name='first', **where)
    yield dict(name='second', value=float('nan'))


def hangs(**where):
    """One row, then nothing more; what it started does not end by itself either."""
    child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])
    yield dict(name='before', child=child.pid)
    threading.Event().wait()


def raises(**where):
    """One row, then an error."""
    yield dict(name='before', equal=False)
    raise ValueError('the part is broken')


def dies(**where):
    """Ended from outside, as by a lack of memory."""
    yield dict(name='before')
    os.kill(os.getpid(), signal.SIGKILL)


def run(out: str) -> dict:
    """Run all of them, with hardly any time for the one that hangs."""
    from gpu import run as script
    from gpu.processes import Where
    parts = (good, hangs, raises, dies)
    for part in parts:
        sys.modules[f'gpu.parts.{part.__name__}'] = SimpleNamespace(measure=part)
    script.PARTS = {part.__name__: 30 for part in parts} | dict(hangs=0.5, never=30)
    return script.run_all([part.__name__ for part in parts], Where('cuda', False, None), Path(out))
