"""What the tools share: how an error is told, and what a word of the command line may be."""
import argparse

import _cli
import pytest

from plugin.utils import UserError


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


def test_a_full_disk_has_a_hint(capsys):
    with pytest.raises(SystemExit):
        tell(OSError(28, 'No space left on device'))
    assert 'hint: free some space; complete checkpoints are kept' in capsys.readouterr().err


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
