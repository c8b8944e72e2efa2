"""A project whose configs are compared."""
import shutil
from pathlib import Path

import pytest

from tests.helpers.small_compare import write_configs


@pytest.fixture(scope='session')
def configs(tmp_path_factory) -> Path:
    """Configs and ten generated barn images."""
    folder = tmp_path_factory.mktemp('compare') / 'my barn'
    folder.mkdir()
    write_configs(folder)
    return folder


@pytest.fixture
def project(configs, tmp_path, monkeypatch) -> Path:
    """A copy of it, in which the test runs."""
    folder = tmp_path / 'project'
    shutil.copytree(configs, folder)
    monkeypatch.chdir(folder)
    return folder
