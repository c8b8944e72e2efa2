"""A copy of the installer, and made-up programs for it to meet.

A made-up Python stands in for the one to install into: it answers what a test tells it to, and
hands everything else to the Python that runs the tests. No test reaches a package index.
"""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path):
    """A copy of what the installer consists of, in a folder with a space and an umlaut."""
    folder = tmp_path / 'hühner hof'
    for name in ('tools/setup', 'requirements'):
        shutil.copytree(ROOT / name, folder / name,
                        ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('tools/install.sh', 'tools/wheelhouse.sh'):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def bash(project, tmp_path):
    """Run a line of bash in the project, with a cache of its own."""

    def run(line, **variables):
        # what the person who runs the tests has set must not change them
        kept = {key: value for key, value in os.environ.items()
                if key not in ('PYTHON', 'TORCH', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'PASTURE_ENV',
                               'CUDA_HOME', 'CUDA_PATH', 'CXX', 'FORCE_CUDA')}
        kept.update(XDG_CACHE_HOME=str(tmp_path / 'cache'), TMPDIR=str(tmp_path), **variables)
        return subprocess.run(['bash', '-c', line], cwd=project, env=kept, text=True,
                              capture_output=True, check=False)

    return run


@pytest.fixture
def call(bash):
    """Call functions of the installer by themselves."""

    def run(line, **variables):
        start = 'set -euo pipefail; source tools/install.sh; make_scratch; make_cache; '
        return bash(start + line, **variables)

    return run


@pytest.fixture
def fake(tmp_path):
    """Put an executable of the given lines on a folder of its own, and return its path."""

    def make(name, lines):
        path = tmp_path / 'bin' / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/usr/bin/env bash\n{lines}\n', 'utf-8')
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def refused():
    """Assert that a run failed with one line, which holds all the parts."""

    def check(result, *parts):
        assert result.returncode == 1, result.stderr
        lines = [line for line in result.stderr.splitlines()
                 if line.startswith('pasture: error: ')]
        assert len(lines) == 1, result.stderr
        for part in parts:
            assert part in lines[0]

    return check
