"""What comes from files reaches the terminal as letters alone."""
import io
import os
import sys

import pytest
from rich.console import Console
from rich.table import Table

from plugin.utils import UserError, console
from plugin.utils.console import cell, progress, say, warn
from plugin.utils.errors import sentence
from plugin.utils.text import brief, is_name, printable, shortened
from tests.helpers.tool_calls import call_tool

# clear the screen, name the window, a line of its own, right to left, a bell, a C1 sequence
HOSTILE = ['\x1b[2J', '\x1b]0;title\x07', '\nerror: none', '\rok', '\u202egpj.exe', '\u2066',
           '\x9b2J', '\u2028', '\x00', '\x7f', '\u200b', '\udce9', '\ufeff', '\x0b', '\x85']


def is_harmless(text: str) -> bool:
    return text.isprintable()


@pytest.mark.parametrize('text', HOSTILE, ids=ascii)
def test_control_characters_are_escaped(text, capsys):
    name = f'cow{text}.jpg'
    shown = printable(name)
    assert is_harmless(shown) and shown.startswith('cow\\') and shown.endswith('.jpg')
    assert sentence(UserError(f'{name} is none')) in (
        f'{shown} is none.', f'cow {text.strip()}.jpg is none.',  # line ends are spaces
        f'cow {printable(text.lstrip())}.jpg is none.')
    assert is_harmless(sentence(UserError(f'{name} is none')))
    say(name, 'second')
    warn(name)
    out, err = capsys.readouterr()
    assert out == f'{shown}\nsecond\n' and err == f'warning: {shown}\n'
    table, stream = Table('name'), io.StringIO()
    table.add_row(cell(name))
    Console(file=stream, width=200).print(table)
    assert is_harmless(stream.getvalue().replace('\n', '')) and shown in stream.getvalue()


def test_letters_stay():
    text = 'Kühe 牛 🐄 [bold] \\x1b a\u00a0b فارسی'
    assert printable(text) == text


def test_a_bar_shows_its_words_as_they_are(monkeypatch):
    seen = []
    monkeypatch.setattr('rich.progress.track', lambda items, text, **_: seen.append(text) or items)
    assert list(progress([1], '[red]a\x1b[2J')) == [1]
    assert seen == ['\\[red]a\\x1b[2J']


def test_long_texts_are_cut():
    assert shortened('a' * 10, 10) == 'a' * 10
    assert len(shortened('a' * 10 ** 6)) < 2000 and '(1000000 letters)' in shortened('a' * 10 ** 6)
    assert len(sentence(UserError('a' * 10 ** 6))) < 2000


def test_values_of_any_size_are_told_briefly():
    deep: list = []
    for _ in range(10 ** 5):
        deep = [deep]
    for value in (deep, 'x' * 10 ** 6, 10 ** 4000, dict.fromkeys(range(10 ** 4)),
                  [1e999] * 10 ** 5):
        assert len(brief(value)) <= 300
    assert brief(['cow', 5]) == "['cow', 5]" and brief(None) == 'None'


@pytest.mark.parametrize('name, good', [
    ('cow', True), ('k' * 200, True), ('k' * 201, False), ('', False), ('  ', False), (5, False),
    (None, False), (['cow'], False), ('\ud800', False)])
def test_names_are_short_texts(name, good):
    assert is_name(name) is good


def test_tools_say_names_of_files_without_their_control_characters(tmp_path, capsys):
    folder = tmp_path / 'a\x1b[2J\u202eb'
    folder.mkdir()
    assert call_tool('labelme_to_coco', folder, '--out', tmp_path / 'x.json') == 1
    out, err = capsys.readouterr()
    assert r'a\x1b[2J\u202eb holds no .json file' in err
    assert is_harmless(err.replace('\n', '')) and out == ''


def test_a_terminal_that_was_closed_stops_nothing(monkeypatch):
    main, side = os.openpty()
    with os.fdopen(side, 'w', encoding='utf-8') as terminal:
        monkeypatch.setattr(sys, 'stdout', terminal)
        console.say('seen')
        assert os.read(main, 100) == b'seen\r\n'
        os.close(main)
        console.say('not seen')
        # what is written afterwards raises nothing, either: Python itself flushes at its end
        terminal.write('more')
        terminal.flush()


def test_a_pipe_that_was_closed_is_told():
    out, into = os.pipe()
    os.close(out)
    with pytest.raises(BrokenPipeError), os.fdopen(into, 'w', encoding='utf-8') as stream:
        try:
            console.write_line('x', stream)
        finally:
            stream.detach().detach().close()
