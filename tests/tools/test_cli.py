"""What the tools share: how an error is told, and what a word of the command line may be."""
import argparse
import os
import signal
import subprocess
import sys

import _cli
import pytest

from plugin.utils import UserError
from tests.helpers.paths import TOOLS


class StackError(ImportError):
    """As plugin raises it where the stack is missing."""


def tell(error, **settings):
    with _cli.plain_errors(**settings):
        raise error


@pytest.mark.parametrize(('error', 'text'), [
    (UserError('--folds 1: give 2 or more'), 'error: --folds 1: give 2 or more.\n'),
    (FileNotFoundError('a.py does not exist'), 'error: a.py does not exist.\n'),
    (StackError('Pasture cannot work in this environment:\n  - `mmdet` is missing'),
     'error: Pasture cannot work in this environment:\n  - `mmdet` is missing\n'),
])
def test_a_mistake_is_a_sentence(capsys, error, text):
    with pytest.raises(SystemExit) as end:
        tell(error)
    assert end.value.code == 1
    assert capsys.readouterr().err == text
    with pytest.raises(type(error)):
        tell(error, debug=True)


def test_one_of_several_processes_says_which(capsys, monkeypatch):
    monkeypatch.setenv('RANK', '2')
    with pytest.raises(SystemExit):
        tell(UserError('no'))
    assert capsys.readouterr().err == 'error: process 2: no.\n'


def test_a_bug_is_shown_whole():
    with pytest.raises(ValueError, match='a bug'):
        tell(ValueError('a bug'))


@pytest.mark.parametrize(('settings', 'hint'), [
    (dict(hint=_cli.FULL_DISK_TRAINING), 'hint: free some space; complete checkpoints are kept'),
    # most tools write no checkpoints
    (dict(), 'hint: free some space, or write to another disk\n')])
def test_a_full_disk_has_a_hint(capsys, settings, hint):
    with pytest.raises(SystemExit):
        tell(OSError(28, 'No space left on device'), **settings)
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize('name', ['SIGTERM', 'SIGHUP'])
def test_a_signal_ends_as_ctrl_c_and_a_second_one_stops_nothing(capsys, name):
    number, before = signal.Signals[name], signal.getsignal(signal.Signals[name])
    with _cli.signals_as_ctrl_c() as ending:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)
        assert _cli.stopped('; nothing is lost', ending) == 128 + number
    assert capsys.readouterr().out == f'\nstopped by {name}; nothing is lost\n'
    assert signal.getsignal(number) == before


def test_nohup_is_obeyed():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _cli.signals_as_ctrl_c():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_only_the_memory_stops_is_a_sentence(capsys):
    with pytest.raises(SystemExit) as end:
        tell(MemoryError())
    assert end.value.code == 1
    assert capsys.readouterr().err == ('error: the memory is too small: end other programs, or '
                                       'take a machine with more.\n')


def test_ctrl_c_is_said_once(capsys, monkeypatch):
    assert _cli.stopped('; the same command goes on') == 130
    monkeypatch.setenv('RANK', '1')
    assert _cli.stopped('; the same command goes on') == 130
    assert capsys.readouterr().out == '\nstopped; the same command goes on\n'


@pytest.mark.parametrize(('kind', 'text', 'value'), [
    (_cli.share, '0.25', 0.25), (_cli.positive, '3', 3),
    (_cli.score_and_patience, 'loss:3', ('loss', 3))])
def test_words(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(('kind', 'text'), [
    (_cli.share, '1.5'), (_cli.share, 'x'), (_cli.positive, '0'), (_cli.positive, '1.5'),
    (_cli.score_and_patience, 'loss:')])
def test_words_that_are_none(kind, text):
    with pytest.raises(argparse.ArgumentTypeError, match=text):
        kind(text)


@pytest.mark.parametrize(('given', 'expected'), [
    ({}, b'30000'), (dict(GOMP_SPINCOUNT='7'), b'7'), (dict(OMP_WAIT_POLICY='PASSIVE'), None)])
def test_threads_spin_for_a_short_time_unless_the_user_says_otherwise(given, expected):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')} | given
    # what the C library sees is what OpenMP reads; os.environ alone would not do
    code = ('import sys; assert "torch" not in sys.modules; import _cli, ctypes;'
            'get = ctypes.CDLL(None).getenv; get.restype = ctypes.c_char_p;'
            'print(get(b"GOMP_SPINCOUNT")); assert "torch" not in sys.modules')
    done = subprocess.run([sys.executable, '-c', code], cwd=TOOLS, env=environment, text=True,
                          capture_output=True, check=True)
    assert done.stdout.strip() == str(expected)
