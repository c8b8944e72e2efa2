"""Fixtures that every test may use."""
import gc
import os
import signal
import uuid
from pathlib import Path
from types import SimpleNamespace

# tests that run side by side share the cores; what they start inherits this
if 'PYTEST_XDIST_WORKER_COUNT' in os.environ:
    share = (os.cpu_count() or 1) // int(os.environ['PYTEST_XDIST_WORKER_COUNT'])
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, share)))

# which Python starts a training is a user's choice, and the tests' own
os.environ.pop('PYTHON', None)

# a shell starts what runs in the background with Ctrl-C ignored, which tests send
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# tools respect nohup, under which the tests may run, and tests send this signal to them
if hasattr(signal, 'SIGHUP') and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

import pytest
from mmengine.registry import DefaultScope
from mmseg.utils import register_all_modules

import plugin  # noqa: F401
from tests.helpers.forked import run_tool
from tests.helpers.paths import ROOT
from tests.helpers.plain_texts import leave_texts_plain
from tests.helpers.tiny import write_project

register_all_modules(init_default_scope=False)
leave_texts_plain()
# each data set that is built lets Python look through all objects for garbage
gc.freeze()


@pytest.fixture(autouse=True)
def _mmseg_scope():
    """Make ``mmseg`` the default scope, as a config's ``default_scope`` does.

    Each runner that a test builds leaves a scope of its own behind.
    """
    DefaultScope.get_instance(f'test-{uuid.uuid4()}', scope_name='mmseg')


@pytest.fixture(scope='session')
def root() -> Path:
    """Root of the project."""
    return ROOT


@pytest.fixture(scope='session')
def shared() -> Path:
    """Folder with real images and weights; skips where there is none."""
    folder = os.environ.get('PASTURE_SHARED', '')
    if not folder:
        pytest.skip('PASTURE_SHARED is unset: the folder with real images is not at hand')
    # relative to the project, wherever the test runs
    path = (ROOT / folder).resolve()
    if not path.is_dir():
        pytest.skip(f'PASTURE_SHARED={folder} is not a folder')
    return path


@pytest.fixture(scope='session')
def trained(tmp_path_factory) -> SimpleNamespace:
    """A training that nobody interrupted: its folder, checkpoint, and what it printed."""
    folder = tmp_path_factory.mktemp('trained') / 'a project 牛'
    folder.mkdir()
    write_project(folder)
    result = run_tool('train', ['tiny.py'], folder)
    assert result.status == 0, result.err
    work_dir = folder / 'work_dirs/tiny'
    return SimpleNamespace(folder=folder, work_dir=work_dir, result=result,
                           checkpoint=work_dir / 'iter_9.pth')
