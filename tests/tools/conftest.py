"""A trained model for the tests of the tools."""
from types import SimpleNamespace

import pytest
from forked import run_tool
from tiny import write_project


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
