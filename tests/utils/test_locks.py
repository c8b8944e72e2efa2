"""Locks: who holds one, what they leave alone, and that they end with their process."""
import os
import signal

import pytest

from plugin.utils import UserError, locks
from plugin.utils.locks import lock_file, lock_folder, wait_for_folder, working_in


def test_one_holds_a_file_whose_content_stays(tmp_path):
    path = tmp_path / '.lock'
    path.write_text('of the user')
    with lock_file(path) as first, lock_file(path) as second:
        assert first is not None and second is None
    with lock_file(path) as again:
        assert again is not None
    assert path.read_text() == 'of the user'


def test_a_link_is_not_followed(tmp_path):
    path = tmp_path / '.lock'
    for target in ('notes.txt', 'missing.txt'):
        path.symlink_to(tmp_path / target)
        (tmp_path / 'notes.txt').write_text('of the user')
        with pytest.raises(UserError, match=r'\.lock is no plain file, .*: remove it'), \
                lock_file(path):
            pass
        path.unlink()
    assert (tmp_path / 'notes.txt').read_text() == 'of the user'
    assert not (tmp_path / 'missing.txt').exists()


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_lock(tmp_path, make):
    make(tmp_path / '.lock')
    with pytest.raises(UserError, match='is no plain file'), lock_file(tmp_path / '.lock'):
        pass


def test_one_holds_a_folder(tmp_path):
    with lock_folder(tmp_path) as first, lock_folder(tmp_path) as second:
        assert (first, second) == (True, False)
    (tmp_path / 'link').symlink_to(tmp_path)
    with pytest.raises(OSError), lock_folder(tmp_path / 'link'):
        pass


def test_only_the_first_of_those_who_work_sweeps(tmp_path):
    swept = []
    with working_in(tmp_path, lambda: swept.append(1)), \
            working_in(tmp_path, lambda: swept.append(2)):
        pass
    with working_in(tmp_path, lambda: swept.append(3)):
        pass
    assert swept == [1, 3]
    assert list(tmp_path.iterdir()) == []


def test_a_kill_ends_a_lock(tmp_path):
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        with lock_folder(tmp_path) as held:
            os.write(told, b'1' if held else b'0')
            signal.pause()
    assert os.read(ready, 1) == b'1'
    with lock_folder(tmp_path) as held:
        assert not held
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with lock_folder(tmp_path) as held:
        assert held
    os.close(ready)
    os.close(told)


def test_where_there_are_no_locks_all_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, 'fcntl', None)
    swept = []
    with lock_file(tmp_path / '.lock') as first, lock_file(tmp_path / '.lock') as second, \
            lock_folder(tmp_path) as held, wait_for_folder(tmp_path), \
            working_in(tmp_path, lambda: swept.append(1)):
        assert first is not None and second is not None and held
    assert swept == []
