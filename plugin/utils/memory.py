"""How much memory is left to this process."""
import importlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path('/')


def free_memory() -> int:
    """Bytes that this process may still take.

    That is what the machine has available, or less where the control group (a container, a job of
    a cluster) or the limit of the address space (``ulimit -v``) leaves less.

    Returns:
        int: Bytes, 0 or more; ``sys.maxsize`` on Windows, where it is not known.

    Example:
        >>> from plugin.utils.memory import free_memory
        >>> free_memory() > 0
        True
    """
    if os.name != 'posix':
        return sys.maxsize
    return max(0, min([_of_machine(), *_of_groups(), *_of_address_space()]))


def _of_machine() -> int:
    found = re.search(r'^MemAvailable:\s*(\d+) kB', _read('proc/meminfo'), re.MULTILINE)
    if found:
        return int(found[1]) * 1024
    # elsewhere only the whole memory is known
    return os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')


def _of_groups() -> Iterator[int]:
    """What each control group leaves: that of the process, and those above it."""
    for line in _read('proc/self/cgroup').splitlines():
        _, kinds, path = line.split(':', 2)
        if kinds and 'memory' not in kinds.split(','):
            continue
        top = ROOT / 'sys/fs/cgroup' / ('memory' if kinds else '')
        names = ('memory.limit_in_bytes', 'memory.usage_in_bytes') if kinds else (
            'memory.max', 'memory.current')
        place = top / path.lstrip('/')
        for folder in [place, *place.parents]:
            if not folder.is_relative_to(top):
                break
            limit, used = (_read(folder / name).strip() for name in names)
            if limit.isdigit() and used.isdigit():  # 'max' is no limit
                # the kernel gives up copies of files before it refuses memory
                files = re.search(r'^(?:total_)?inactive_file (\d+)', _read(folder / 'memory.stat'),
                                  re.MULTILINE)
                yield int(limit) - int(used) + (int(files[1]) if files else 0)


def _of_address_space() -> Iterator[int]:
    resource = importlib.import_module('resource')  # Windows has none
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _read('proc/self/statm').split()
    if limit != resource.RLIM_INFINITY and pages:
        yield limit - int(pages[0]) * os.sysconf('SC_PAGE_SIZE')


def _read(path: str | Path) -> str:
    try:
        return (ROOT / path).read_text(encoding='utf-8')
    except OSError:
        return ''
