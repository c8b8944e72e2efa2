"""tools/report.py, and the reports that tools/train.py and tools/test.py write at their end."""
import json
import socket

import pytest
import report

from tests.helpers.forked import run_tool, run_tools

SUMMARY = ['--cfg-options', 'default_hooks.summary.type=RunSummaryHook']


def test_training_and_test_write_it(trained, tmp_path):
    result = run_tool('train', ['tiny.py', '--work-dir', tmp_path / 'run', *SUMMARY,
                                'train_cfg.max_iters=4'], trained.folder)
    assert result.status == 0, result.err
    page = tmp_path / 'run/report.html'
    assert f'report           {page}' in result.out
    first = page.read_text('utf-8')
    assert 'Scores of the validation at iteration 4' in first
    result = run_tool('test', ['tiny.py', tmp_path / 'run/iter_4.pth', '--work-dir',
                               tmp_path / 'run', *SUMMARY], trained.folder)
    assert result.status == 0, result.err
    assert 'Scores of the test of ' in page.read_text('utf-8')
    result = run_tool('report', [tmp_path / 'run', '--out', tmp_path / 'é' / 'x.html'], tmp_path)
    assert result.status == 0, result.err
    assert f'report  {tmp_path}/é/x.html (' in result.out


def test_two_processes_keep_the_images_of_one(trained, tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
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


@pytest.mark.parametrize('argv, message', [
    (['nowhere'], 'error: nowhere is no folder: give a work directory'),
    (['.'], 'error: . is no work directory: it holds neither scores.json nor a log')])
def test_mistakes_are_a_sentence(tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        report.main(argv)
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize('argv, out', [
    (['a'], 'a/report.html'), (['a', 'b'], 'report.html'), (['a', '--out', 'x.htm'], 'x.htm')])
def test_where_the_page_goes(argv, out):
    assert str(report.parse_args(argv).out) == out


def test_the_page_is_html(capsys):
    with pytest.raises(SystemExit) as end:
        report.parse_args(['a', '--out', 'x.pdf'])
    assert end.value.code == 2
    assert '--out x.pdf does not end with .html' in capsys.readouterr().err
