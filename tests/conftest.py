"""Fixtures that every test may use."""
import os
import uuid
from pathlib import Path

# tests that run side by side share the cores; what they start inherits this
if 'PYTEST_XDIST_WORKER_COUNT' in os.environ:
    share = (os.cpu_count() or 1) // int(os.environ['PYTEST_XDIST_WORKER_COUNT'])
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, share)))

import pytest
from mmengine.registry import DefaultScope
from mmseg.utils import register_all_modules

import plugin  # noqa: F401

register_all_modules(init_default_scope=False)
ROOT = Path(__file__).resolve().parents[1]


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
    """Folder with real pictures and weights; skips where there is none."""
    folder = os.environ.get('PASTURE_SHARED', '')
    if not folder:
        pytest.skip('PASTURE_SHARED is unset: the folder with real pictures is not at hand')
    # relative to the project, wherever the test runs
    path = (ROOT / folder).resolve()
    if not path.is_dir():
        pytest.skip(f'PASTURE_SHARED={folder} is not a folder')
    return path
