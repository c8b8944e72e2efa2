"""Worker processes where a system cannot fork, and work in threads."""
import multiprocessing
import threading

import pytest

from plugin.datasets.synthetic_barn.folder import BarnSpec, make_barn
from plugin.utils.workers import in_order, start_context


def test_fork_where_there_is_one(monkeypatch):
    kinds = multiprocessing.get_all_start_methods()
    assert start_context().get_start_method() == ('fork' if 'fork' in kinds else 'spawn')
    monkeypatch.setattr(multiprocessing, 'get_all_start_methods', lambda: ['spawn'])
    assert start_context().get_start_method() == 'spawn'


def test_scenes_are_drawn_without_fork(monkeypatch, tmp_path):
    monkeypatch.setattr(multiprocessing, 'get_all_start_methods', lambda: ['spawn'])
    drawn = make_barn(tmp_path, BarnSpec(scenes=2, val=0.5, size=(64, 64)), jobs=2)
    assert drawn == len(list((tmp_path / 'images').rglob('*.jpg'))) == 2


@pytest.mark.parametrize('threads', [1, 3])
def test_work_in_threads_keeps_the_order_and_is_bounded(threads):
    begun, together = [], threading.Barrier(threads, timeout=10)

    def work(number):
        begun.append(number)
        if number < threads:
            together.wait()  # so many are at work at a time, no fewer
        return -number

    found = []
    for number in in_order(work, range(9), threads):
        found.append(number)
        assert len(begun) <= len(found) + threads
    assert found == [-number for number in range(9)]


def test_an_error_in_a_thread_ends_the_work():
    begun = []

    def work(number):
        begun.append(number)
        return 1 // (number - 2)

    with pytest.raises(ZeroDivisionError):
        list(in_order(work, range(100), 2))
    assert len(begun) < 10
