"""Imports of plugin/ go one way: no circles, no imports upwards, no extras on import."""
import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.helpers.paths import ROOT, TOOLS

# a sub-package may import those of lower levels, and itself
LEVELS = {
    'runs': 6, 'demo': 6,
    'inference': 5,
    'engine': 4,
    'evaluation': 3,
    'datasets': 2,
    'models': 1, 'tracking': 1, 'visualization': 1,
    'ops': 0, 'utils': 0, 'version': 0,
}
EXTRAS = ('gradio', 'mlflow', 'onnx', 'onnxruntime', 'pydensecrf', 'tensorboard', 'wandb')


class Import(NamedTuple):
    """An import of a module of plugin/: its line, and whether it runs as soon as its file does."""

    target: str
    line: int
    at_once: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / 'plugin').rglob('*.py'))}


def nodes_of(tree: ast.AST, at_once: bool = True) -> Iterator[tuple[ast.stmt, bool]]:
    """All imports, and whether they stand outside of functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, at_once
        elif isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test):
            yield from nodes_of(node, False)
        else:
            inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from nodes_of(node, at_once and not inside)


def names_of(node: ast.stmt, name: str, is_package: bool) -> list[str]:
    """Full names that an import in the module ``name`` asks for."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert isinstance(node, ast.ImportFrom)
    base = node.module or ''
    if node.level:
        parts = name.split('.')
        parts = parts[:len(parts) - node.level + is_package]
        base = '.'.join([*parts, *([node.module] if node.module else [])])
    return [f'{base}.{alias.name}' for alias in node.names]


def imports_of(name: str) -> list[Import]:
    """What a module imports of plugin/; ``from package import module`` is the module."""
    path = MODULES[name]
    found = []
    for node, at_once in nodes_of(ast.parse(path.read_text(encoding='utf-8'))):
        for full in names_of(node, name, path.name == '__init__.py'):
            parts = full.split('.')
            if parts[0] != 'plugin':
                continue
            # the longest beginning that is a module; the rest are names in it
            target = next('.'.join(parts[:end]) for end in range(len(parts), 0, -1)
                          if '.'.join(parts[:end]) in MODULES)
            found.append(Import(target, node.lineno, at_once))
    return found


def circle_in(edges: dict[str, set[str]]) -> list[str]:
    """The modules of a circle, or nothing."""
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> list[str]:
        if name in way:
            return [*way[way.index(name):], name]
        if name in done:
            return []
        for target in sorted(edges.get(name, ())):
            if circle := visit(target, (*way, name)):
                return circle
        done.add(name)
        return []

    return next((circle for name in edges if (circle := visit(name, ()))), [])


def level_of(name: str) -> int | None:
    """Level of a module's sub-package; None for ``plugin`` itself, which imports them all."""
    parts = name.split('.')
    return LEVELS[parts[1]] if len(parts) > 1 else None


def test_every_sub_package_has_a_level():
    assert {name.split('.')[1] for name in MODULES if '.' in name} <= set(LEVELS)


def test_no_circles():
    """Of imports outside of functions; a package that re-exports its modules is a user of them."""
    edges = {name: {found.target for found in imports_of(name) if found.at_once}
             for name in MODULES}
    assert circle_in(edges) == []


def test_a_circle_would_be_found():
    edges = {'a': {'b'}, 'b': {'c', 'd'}, 'c': set(), 'd': {'b'}}
    assert circle_in(edges) == ['b', 'd', 'b']
    assert circle_in({**edges, 'd': {'c'}}) == []


@pytest.mark.parametrize('name', MODULES)
def test_no_import_upwards(name):
    level = level_of(name)
    if level is None:
        return
    for found in imports_of(name):
        other = level_of(found.target)
        same = found.target.split('.')[:2] == name.split('.')[:2]
        place = f'{name}, line {found.line}, imports {found.target}'
        assert other is not None, place
        assert same or other < level, place


def test_nothing_is_imported_of_the_tools():
    tools = {path.stem for path in TOOLS.rglob('*.py')} | {'tools', 'pasture'}
    for name, path in MODULES.items():
        for node, _ in nodes_of(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom) and node.level:
                continue
            for full in names_of(node, name, False):
                assert full.split('.')[0] not in tools, f'{name}, line {node.lineno}'


def test_importing_plugin_imports_no_extra():
    code = ('import sys, plugin; '
            f'print(*sorted(set({EXTRAS!r}) & {{name.split(".")[0] for name in sys.modules}}))')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
