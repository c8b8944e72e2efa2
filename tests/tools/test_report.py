"""tools/report.py, and the reports that tools/train.py and tools/test.py write at their end."""
import pytest
import report

from tests.helpers.forked import run_tool

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


@pytest.mark.parametrize('argv, message', [
    (['nowhere'], 'error: nowhere is no folder: give a work directory'),
    (['.'], 'error: . is no work directory: it holds neither scores.json nor a log')])
def test_mistakes_are_a_sentence(tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        report.main(argv)
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith(message)


def test_the_page_is_html(capsys):
    with pytest.raises(SystemExit) as end:
        report.parse_args(['a', '--out', 'x.pdf'])
    assert end.value.code == 2
    assert '--out x.pdf does not end with .html' in capsys.readouterr().err
