"""Tests mirror the folders of the project, and share code by tests/helpers alone."""
import ast
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

TESTS = ROOT / 'tests'
FILES = sorted(TESTS.rglob('*.py'))
MODULES = [path for path in FILES if path.name.startswith('test_')]
# they test what has no folder in plugin/ or tools/
OF_THEIR_OWN = {'benchmarks', 'configs', 'docs', 'install'}


def named(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def modules_imported(path: Path) -> set[str]:
    """Names of modules that a file imports; of ``from package import name`` perhaps of none."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ''
            found.add(module)
            if node.level or module.split('.')[0] == 'tests':
                found |= {f'{module}.{alias.name}' for alias in node.names}
    return found


@pytest.mark.parametrize('path', FILES, ids=named)
def test_no_file_imports_a_test_module(path):
    assert not [name for name in modules_imported(path)
                if any(part.startswith('test_') for part in name.split('.'))]


@pytest.mark.parametrize('path', FILES, ids=named)
def test_no_file_edits_the_path_of_its_own_process(path):
    """``pythonpath`` in pyproject.toml says once where modules are found."""
    if path.name == 'forked.py':
        return  # it makes other processes, which read PYTHONPATH as they would at their start
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Call):
            assert not ast.unparse(node.func).startswith('sys.path.'), node.lineno
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            assert not [one for one in targets if ast.unparse(one).startswith('sys.path')]


@pytest.mark.parametrize('path', MODULES, ids=named)
def test_folders_mirror_those_of_the_project(path):
    folder = path.parent.relative_to(TESTS)
    if not folder.parts or folder.parts[0] in OF_THEIR_OWN:
        return
    if folder.parts[0] == 'tools':
        assert (ROOT / folder).is_dir()
    else:
        assert (ROOT / 'plugin' / folder).is_dir()
