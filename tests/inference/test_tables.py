"""Tables that grow: whole at any moment, and harmless in a spreadsheet."""
import csv
import errno
import json
import os
import resource
import signal

import numpy as np
import pytest

from plugin.inference.tables import AreaTable, JsonList, Table, no_formula
from tests.helpers.tiny_detector import rows_of

LABELS = np.array([[0, 1], [1, 1]])


def test_rows_are_on_the_disk_as_they_come(tmp_path):
    path = tmp_path / 'areas.csv'
    path.write_text('an older table')
    with AreaTable(path, 'picture', ['a', 'b', 'c']) as table:
        assert path.read_text() == 'an older table'
        table.add('x', LABELS)
        assert [(row['picture'], row['class'], row['pixels'], row['share'])
                for row in rows_of(path)] == [('x', 'a', '1', '0.250000'),
                                              ('x', 'b', '3', '0.750000'),
                                              ('x', 'c', '0', '0.000000')]
        table.add('y', LABELS)
        assert len(rows_of(path)) == 6
    assert [path.name for path in tmp_path.iterdir()] == ['areas.csv']
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask


@pytest.mark.parametrize('end', [KeyboardInterrupt, RuntimeError, SystemExit])
def test_rows_stay_whatever_ends_the_block(tmp_path, end):
    with pytest.raises(end), Table(tmp_path / 'x.csv', ['a']) as table:
        table.write([[1]])
        raise end
    assert rows_of(tmp_path / 'x.csv') == [{'a': '1'}]


def test_an_older_table_stays_until_there_is_a_row(tmp_path):
    path = tmp_path / 'x.csv'
    path.write_text('a\r\n7\r\n')
    with pytest.raises(KeyboardInterrupt), Table(path, ['a']):
        raise KeyboardInterrupt
    assert path.read_text() == 'a\n7\n'
    with Table(path, ['a']):
        pass
    assert rows_of(path) == []


def test_a_json_list_is_one_after_each_entry(tmp_path):
    path, entries = tmp_path / 'x.json', [dict(a=1, b='牛'), dict(a=2), dict(a=3)]
    with JsonList(path) as table:
        table.add([])
        assert path.read_bytes() == b'[]\n'
        table.add(entries[:1])
        assert json.loads(path.read_bytes()) == entries[:1]
        table.add([])
        table.add(entries[1:])
        assert json.loads(path.read_bytes()) == entries
    assert path.read_text('utf-8') == '[\n{"a": 1, "b": "牛"},\n{"a": 2},\n{"a": 3}\n]\n'


def test_what_a_block_added_is_taken_back(tmp_path):
    with JsonList(tmp_path / 'x.json') as table:
        for entry in (1, 2):
            with pytest.raises(ValueError), table.undone_by_errors():
                table.add([dict(a=entry)])
                raise ValueError
            assert (tmp_path / 'x.json').read_bytes() == b'[]\n'
        table.add([dict(a=3)])
    assert json.loads((tmp_path / 'x.json').read_bytes()) == [dict(a=3)]


@pytest.fixture
def small_files():
    """Files of no more than 1000 bytes, so that the disk seems full after them."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_rows_that_do_not_fit_leave_those_before(tmp_path, small_files):
    table = Table(tmp_path / 'x.csv', ['a', 'b'])
    entries = JsonList(tmp_path / 'x.json')
    with pytest.raises(OSError) as full, table:
        for number in range(1000):
            table.write([[number, 'x' * 100]])
    assert full.value.errno == errno.EFBIG
    assert [row['a'] for row in rows_of(tmp_path / 'x.csv')] == [str(n) for n in range(9)]
    with pytest.raises(OSError), entries:
        for number in range(1000):
            entries.add([dict(number=number, more='x' * 100)])
    found = json.loads((tmp_path / 'x.json').read_bytes())
    assert [entry['number'] for entry in found] == list(range(len(found))) and len(found) == 7


def test_a_full_disk_names_the_table(tmp_path, monkeypatch):
    with Table(tmp_path / 'x.csv', ['a']) as table:
        table.write([[1]])

        def full(content, at):
            raise OSError(errno.ENOSPC, 'No space left on device')

        with monkeypatch.context() as patch:
            patch.setattr(table, '_cut', lambda end: None)
            patch.setattr(table, '_write', full)
            with pytest.raises(OSError, match=r"No space left on device: '.*x\.csv'"):
                table.write([[2]])


def test_rows_survive_a_kill(tmp_path):
    child = os.fork()
    if child == 0:
        with Table(tmp_path / 'x.csv', ['a']) as table, JsonList(tmp_path / 'x.json') as entries:
            table.write([[1]])
            entries.add([dict(a=1)])
            os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert rows_of(tmp_path / 'x.csv') == [{'a': '1'}]
    assert json.loads((tmp_path / 'x.json').read_bytes()) == [{'a': 1}]


@pytest.mark.parametrize(('value', 'cell'), [
    ('=1+1', "'=1+1"), ('+cmd', "'+cmd"), ('-cmd|x', "'-cmd|x"), ('@SUM(A1)', "'@SUM(A1)"),
    ('\tx', "'\tx"), ('\rx', "'\rx"), ('-', "'-"), ('-1+1', "'-1+1"), ('--1', "'--1"),
    ('-1.5', '-1.5'), ('+2e-7', '+2e-7'), ('-.5', '-.5'), (-1.5, -1.5), (-2, -2), (None, None),
    ('cow = calf', 'cow = calf'), ('', ''), (np.int64(-3), '-3')])
def test_a_spreadsheet_takes_no_cell_for_a_formula(value, cell):
    assert no_formula(value) == cell


def test_names_of_classes_and_images_are_no_formulas(tmp_path):
    with AreaTable(tmp_path / 'x.csv', 'picture', ['=cow', '-1', '牛']) as table:
        table.add('@x.png', LABELS)
    with (tmp_path / 'x.csv').open(encoding='utf-8', newline='') as file:
        rows = list(csv.reader(file))[1:]
    assert [row[:3] for row in rows] == [
        ["'@x.png", "'=cow", '1'], ["'@x.png", '-1', '3'], ["'@x.png", '牛', '0']]
