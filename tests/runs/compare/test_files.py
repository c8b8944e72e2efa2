"""What a comparison leaves behind: the page, and files that say the same."""
import json
from pathlib import Path

import pytest

from plugin import runs
from plugin.runs.compare import files
from tests.helpers.report_pages import Reader, page_of
from tests.helpers.small_compare import Stub


def test_one_page_tells_everything(project, monkeypatch, capsys):
    Stub(monkeypatch)
    runs.compare(['a.py', 'b.py'], seeds=2, lr_factors=[1., 2.], work_dir='c')
    html = page_of(Path('c/report.html'))
    page = Reader(html)
    assert ('section', 'comparison') in [(tag, dict(words).get('id')) for tag, words in page.tags]
    texts = [text.strip() for text in page.texts]
    for text in ('not distinguishable', 'reference', 'Cost of a training', 'Comparison',
                 'Learning rates that were tried, with seed 0',
                 'Below: curves, images and settings of seed 0.'):
        assert text in texts, text
    # the runs are called as their configs are
    assert 'a and b' in texts
    assert 'wrote c/report.html' in capsys.readouterr().out


def test_a_page_that_fails_loses_no_numbers(project, monkeypatch, capsys):
    Stub(monkeypatch)

    def fail(*args, **more):
        raise ImportError('Failed to import plotly')

    monkeypatch.setattr(files, 'write_report', fail)
    runs.compare(['a.py'], seeds=1, work_dir='c')
    assert ('c/report.html was not written (Failed to import plotly); without its tables it is '
            'made by python tools/report.py c/a/lr_0.1/seed_0 --out c/report.html'
            ) in capsys.readouterr().err
    assert json.loads(Path('c/results.json').read_text('utf-8'))['score'] == 'mIoU'


@pytest.mark.parametrize('name', ['table.md', 'results.json', 'results.csv'])
def test_files_are_replaced_whole(project, monkeypatch, name):
    Stub(monkeypatch)
    runs.compare(['a.py'], seeds=1, work_dir='c', report=False)
    before = Path('c', name).read_text('utf-8')
    Path('c', name).write_text('half')
    runs.compare(['a.py'], seeds=1, work_dir='c', report=False)
    assert Path('c', name).read_text('utf-8') == before
