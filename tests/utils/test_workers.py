"""Worker processes where a system cannot fork."""
import multiprocessing

from plugin.datasets.synthetic_barn.folder import BarnSpec, make_barn
from plugin.utils.workers import start_context


def test_fork_where_there_is_one(monkeypatch):
    kinds = multiprocessing.get_all_start_methods()
    assert start_context().get_start_method() == ('fork' if 'fork' in kinds else 'spawn')
    monkeypatch.setattr(multiprocessing, 'get_all_start_methods', lambda: ['spawn'])
    assert start_context().get_start_method() == 'spawn'


def test_scenes_are_drawn_without_fork(monkeypatch, tmp_path):
    monkeypatch.setattr(multiprocessing, 'get_all_start_methods', lambda: ['spawn'])
    drawn = make_barn(tmp_path, BarnSpec(scenes=2, val=0.5, size=(64, 64)), jobs=2)
    assert drawn == len(list((tmp_path / 'images').rglob('*.jpg'))) == 2
