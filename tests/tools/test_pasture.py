"""The command pasture: its table of commands, its help, and how it runs a script."""
import ast
import re
import runpy
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.helpers.paths import ROOT, TOOLS
from tests.helpers.tool_scripts import HEAVY, SCRIPTS, run_script

MAIN = TOOLS / '__main__.py'
pasture = SimpleNamespace(**runpy.run_path(str(MAIN), run_name='pasture'))


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command in this process; returns its exit status, and what it printed."""

    def run(*words):
        with monkeypatch.context() as patch:
            patch.setattr(sys, 'argv', list(sys.argv))
            patch.setattr(sys, 'path', list(sys.path))
            patch.setitem(sys.modules, '__main__', sys.modules['__main__'])
            try:
                status = pasture.main(words)
            except SystemExit as stop:
                status = stop.code
        return (status, *capsys.readouterr())

    return run


def test_every_tool_has_a_command_and_every_command_a_tool():
    assert sorted(pasture.COMMANDS.values()) == SCRIPTS


def test_help_lists_each_command_with_what_its_script_says(call):
    status, out, err = call('--help')
    assert (status, err) == (0, '')
    for name, script in pasture.COMMANDS.items():
        said = ast.get_docstring(ast.parse((TOOLS / script).read_text('utf-8'))).splitlines()[0]
        assert re.search(rf'^  {name} +{re.escape(said)}$', out, flags=re.MULTILINE)
    assert out == call('-h')[1]


def test_help_imports_nothing_heavy(tmp_path):
    ended = run_script(MAIN, '--help', report=tmp_path / 'report.json')
    assert ended.status == 0
    assert ended.modules & HEAVY == set()


def test_without_a_command_the_help_is_an_error(call):
    status, out, err = call()
    assert (status, out) == (2, '')
    assert err.startswith('usage: pasture COMMAND')


def test_the_group_of_the_converters(call):
    status, out, _ = call('convert', '--help')
    assert status == 0
    rows = re.findall(r'^  (convert \S+) ', out, flags=re.MULTILINE)
    assert rows == [name for name in pasture.COMMANDS if name.startswith('convert ')]
    assert '  train ' not in out
    assert call('convert')[0] == 2


@pytest.mark.parametrize('words, message', [
    (['trian'], "there is no command 'trian'; did you mean 'train'?"),
    (['labelme'], "there is no command 'labelme'; did you mean 'convert labelme'?"),
    (['convert', 'yolov8'], "there is no command 'convert yolov8'; did you mean 'convert yolo'?"),
    (['qqq', '--help'], "there is no command 'qqq'; pasture --help lists them"),
    (['--verbose'], "there is no command '--verbose'; pasture --help lists them"),
])
def test_unknown_commands(call, words, message):
    assert call(*words) == (2, '', f'pasture: error: {message}\n')


def test_version(call):
    text = (ROOT / 'plugin' / 'version.py').read_text('utf-8')
    assert call('--version') == (0, f'pasture {re.search("[0-9.]+", text).group()}\n', '')


@pytest.mark.parametrize('name', pasture.COMMANDS)
def test_a_command_has_its_name_in_its_help(name, tmp_path):
    ended = run_script(MAIN, *name.split(), '--help', report=tmp_path / 'report.json')
    assert (ended.status, ended.err) == (0, '')
    assert ended.out.startswith(f'usage: pasture {name} ')
    assert ended.modules & HEAVY == set()


def test_arguments_and_the_status_are_those_of_the_script(call, tmp_path):
    (tmp_path / 'a configs').write_text('', 'utf-8')
    status, out, err = call('configs', str(tmp_path / 'a configs'), '--nonsense')
    assert (status, out) == (2, '')
    assert 'usage: pasture configs' in err
    status, out, err = call('configs', str(tmp_path))
    assert (status, err) == (0, '')
    status, out, err = call('configs', str(tmp_path))
    assert (status, out) == (1, '')
    assert err.startswith('error: ')


def test_a_folder_is_a_program():
    done = subprocess.run([sys.executable, 'tools', 'make-barn', '--help'], cwd=ROOT, text=True,
                          capture_output=True, check=True)
    assert done.stdout.startswith('usage: pasture make-barn ')
