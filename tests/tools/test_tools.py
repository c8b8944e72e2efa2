"""What holds for every tool: words only, and a help that answers at once."""
import ast
import sys

import pytest

from tests.helpers.paths import TOOLS
from tests.helpers.tool_scripts import HEAVY, SCRIPTS, run_script

pytestmark = pytest.mark.parametrize('script', SCRIPTS)


def tree_of(script: str) -> ast.Module:
    return ast.parse((TOOLS / script).read_text('utf-8'))


def test_a_tool_defines_its_words_only(script):
    body = tree_of(script).body
    defined = [node.name for node in body
               if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    assert sorted(defined) == ['main', 'parse_args']
    assert ast.unparse(body[-1]) == "if __name__ == '__main__':\n    sys.exit(main())"


def test_a_tool_says_what_it_does(script):
    first = (ast.get_docstring(tree_of(script)) or '').partition('\n')[0]
    assert first.endswith(('.', ':'))


def test_a_tool_imports_nothing_heavy_before_it_has_parsed(script):
    imported = set()
    for node in tree_of(script).body:
        if isinstance(node, ast.Import):
            imported.update(alias.name.partition('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or '').partition('.')[0])
    # what is shared with other tools begins with an underscore
    assert {name for name in imported
            if name not in sys.stdlib_module_names and not name.startswith('_')} == set()


def test_help_imports_nothing_heavy(script, tmp_path):
    ended = run_script(TOOLS / script, '--help', report=tmp_path / 'report.json')
    assert ended.status == 0, ended.err
    assert ended.out.startswith(f'usage: {script.rpartition("/")[2]} ')
    assert ended.err == ''
    assert ended.modules & HEAVY == set()
