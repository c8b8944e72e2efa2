"""A project to be divided into folds."""
import shutil
from pathlib import Path

import pytest

from tests.helpers.kfold_barn import write_barn


@pytest.fixture(scope='session')
def barn(tmp_path_factory) -> Path:
    """A small project on ten generated barn images."""
    folder = tmp_path_factory.mktemp('kfold') / 'my barn'
    folder.mkdir()
    write_barn(folder)
    return folder


@pytest.fixture
def project(barn, tmp_path, monkeypatch) -> Path:
    """A copy of it, in which the test runs."""
    folder = tmp_path / 'project'
    shutil.copytree(barn, folder)
    monkeypatch.chdir(folder)
    return folder
