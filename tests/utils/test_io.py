"""Files appear whole, with the permissions they should have, and stay."""
import errno
import os
import stat

import pytest

from plugin.utils import atomic_path, write_atomically


def mode_of(path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


@pytest.fixture
def umask():
    """Sets the umask for a test."""
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize(('mask', 'expected'), [(0o022, '0o644'), (0o027, '0o640'),
                                                (0o077, '0o600'), (0o002, '0o664')])
def test_new_file_has_the_usual_permissions(tmp_path, umask, mask, expected):
    umask(mask)
    with atomic_path(tmp_path / 'a.txt') as temporary:
        # no process may see the umask changed, nor the file more open than it will be
        assert mode_of(temporary) == expected
    assert mode_of(tmp_path / 'a.txt') == expected


@pytest.mark.parametrize('mode', [0o600, 0o640, 0o664, 0o444, 0o755])
def test_file_that_is_replaced_keeps_its_permissions(tmp_path, umask, mode):
    umask(0o022)
    path = tmp_path / 'a.txt'
    path.touch()
    path.chmod(mode)
    with atomic_path(path) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) & ~(mode | stat.S_IWUSR) == 0
        temporary.write_text('new')
    assert mode_of(path) == oct(mode)
    assert path.read_text() == 'new'


def test_umask_is_not_touched(tmp_path, monkeypatch):
    """It belongs to the process: a file of another thread would get the wrong permissions."""
    monkeypatch.setattr(os, 'umask', lambda mask: pytest.fail('the umask was changed'))
    write_atomically(tmp_path / 'a.txt', 'a')


@pytest.fixture
def calls(monkeypatch):
    """What is flushed and renamed, in its order."""
    done, fsync, replace = [], os.fsync, os.replace

    def flush(handle):
        done.append('file' if stat.S_ISREG(os.fstat(handle).st_mode) else 'folder')
        fsync(handle)

    def rename(source, target):
        done.append('rename')
        replace(source, target)

    monkeypatch.setattr(os, 'fsync', flush)
    monkeypatch.setattr(os, 'replace', rename)
    return done


def test_durable_file_is_on_the_disk_before_it_has_its_name(tmp_path, calls):
    write_atomically(tmp_path / 'a.txt', 'a', durable=True)
    assert calls == ['file', 'rename', 'folder']


def test_other_files_do_not_wait_for_the_disk(tmp_path, calls):
    write_atomically(tmp_path / 'a.txt', 'a')
    assert calls == ['rename']


def test_folder_that_cannot_be_flushed_is_no_error(tmp_path, monkeypatch):
    fsync = os.fsync

    def flush(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, 'Invalid argument')
        fsync(handle)

    monkeypatch.setattr(os, 'fsync', flush)
    write_atomically(tmp_path / 'a.txt', 'a', durable=True)
    assert (tmp_path / 'a.txt').read_text() == 'a'
