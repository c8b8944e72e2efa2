"""What a run leaves at its end, and the page about it."""
import json

import pytest

from plugin.runs import ending
from tests.helpers.forked import run_tool, run_tools
from tests.helpers.ports import free_port

SUMMARY = ['--cfg-options', 'default_hooks.summary.type=RunSummaryHook']


def test_two_processes_keep_the_images_of_one(trained, tmp_path):
    port = free_port()
    envs = [dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_PORT=str(port),
                 MASTER_ADDR='127.0.0.1') for rank in range(2)]
    argv = ['tiny.py', trained.checkpoint, *SUMMARY, 'default_hooks.summary.gallery=2']
    alone = run_tool('test', [*argv, '--work-dir', tmp_path / '1'], trained.folder)
    both = run_tools('test', [*argv, '--work-dir', tmp_path / '2', '--launcher', 'pytorch'],
                     trained.folder, envs)
    assert [result.status for result in (alone, *both)] == [0, 0, 0], both[0].err + both[1].err
    one, other = (json.loads(next((tmp_path / name).glob('*/vis_data/gallery.json')).read_text())
                  for name in '12')
    assert one == other and one['total'] == 5
    assert [image['groups'][0] for image in one['pictures']][:4] == ['worst'] * 2 + ['best'] * 2
    assert (both[0].out + both[1].out).count('report  ') == 1


def test_a_report_that_fails_loses_no_training(trained, tmp_path):
    (tmp_path / 'run/report.html').mkdir(parents=True)
    result = run_tool('test', ['tiny.py', trained.checkpoint, '--work-dir', tmp_path / 'run',
                               *SUMMARY], trained.folder)
    assert result.status == 0, result.err
    assert f'warning: {tmp_path}/run/report.html is not written: ' in result.err


@pytest.mark.parametrize(('names', 'out', 'expected'), [
    (['a'], None, 'a/report.html'), (['a', 'b'], None, 'report.html'),
    (['a'], 'x.htm', 'x.htm')])
def test_where_the_page_goes(tmp_path, monkeypatch, capsys, names, out, expected):
    monkeypatch.chdir(tmp_path)
    for name in names:
        (tmp_path / name).mkdir()
    written = []

    def write(folders, path):
        written.append([str(folder) for folder in folders])
        path.write_text('x' * 1_500_000)
        return ['nothing to see']

    monkeypatch.setattr(ending, 'write_report', write)
    assert str(ending.report(names, out=out)) == expected
    assert written == [names]
    assert capsys.readouterr().out == f'note: nothing to see\nreport  {expected} (1.5 MB)\n'


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere is no folder: give a work directory'):
        ending.report([tmp_path, tmp_path / 'nowhere'])
