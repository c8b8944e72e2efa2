"""What is printed while the terminal goes."""
import os
import sys

import pytest

from plugin.utils import console


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
