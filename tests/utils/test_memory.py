"""How much memory is said to be free, on machines of several kinds."""
import resource

import pytest

from plugin.utils import memory

GB = 1 << 30


def machine(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, 'ROOT', tmp_path)
    machine(tmp_path, {'proc/meminfo': f'MemTotal: 99 kB\nMemAvailable:  {8 * GB // 1024} kB\n'})
    return tmp_path


@pytest.mark.parametrize(('files', 'free'), [
    ({}, 8 * GB),
    # version 2 of control groups: the tightest of those above counts
    ({'proc/self/cgroup': '0::/jobs/one\n',
      'sys/fs/cgroup/jobs/memory.max': f'{4 * GB}\n',
      'sys/fs/cgroup/jobs/memory.current': f'{3 * GB}\n',
      'sys/fs/cgroup/jobs/memory.stat': f'anon 5\ninactive_file {GB}\n',
      'sys/fs/cgroup/jobs/one/memory.max': 'max\n',
      'sys/fs/cgroup/jobs/one/memory.current': '7\n'}, 2 * GB),
    # version 1
    ({'proc/self/cgroup': '9:cpu:/\n4:memory:/\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': f'{6 * GB}\n',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': f'{GB}\n'}, 5 * GB),
    ({'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': '5\n',
      'sys/fs/cgroup/memory.current': '7\n'}, 0),
])
def test_the_tightest_limit_counts(root, files, free):
    machine(root, files)
    assert memory.free_memory() == free


def test_the_address_space_is_a_limit(root, monkeypatch):
    monkeypatch.setattr(resource, 'getrlimit', lambda kind: (3 * GB, 3 * GB))
    machine(root, {'proc/self/statm': f'{GB // resource.getpagesize()} 7 7\n'})
    assert memory.free_memory() == 2 * GB


def test_this_machine_has_some():
    assert 0 < memory.free_memory() < 1 << 50
