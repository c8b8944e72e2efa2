"""tools/crf.py: what it prints and how it ends."""
import crf
import numpy as np
import pytest

from tests.helpers import tiny
from tests.helpers.forked import run_tool


@pytest.fixture
def folder(tmp_path):
    """Images, and probabilities of two of them."""
    tiny.write_project(tmp_path)
    (tmp_path / 'given').mkdir()
    for name in '01':
        np.save(tmp_path / f'given/{name}.npy', np.full((2, 36, 44), 0.5, np.float16))
    return tmp_path


def test_saved_probabilities_are_refined(folder):
    pytest.importorskip('pydensecrf')
    (folder / 'given/2.npy').touch()
    argv = ['given', 'pictures/images', '--out', 'sharper', '--probabilities', '--iterations', 2,
            '--bilateral', 4, 9, 20, '--gaussian', 3, 1, '--jobs', 2]
    result = run_tool('crf', argv, folder)
    assert result.status == 1
    assert result.out == '2 of 3 images refined, 1 could not be done; results in sharper\n'
    assert 'skipped: given/2.npy: it cannot be read' in result.err
    assert sorted(path.name for path in (folder / 'sharper').rglob('*.*')) == [
        '0.npy', '0.png', '1.npy', '1.png']


def test_mistakes_end_with_a_sentence(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as caught:
        crf.main(['nowhere', 'pictures', '--out', 'x'])
    assert caught.value.code == 1
    assert capsys.readouterr().err == 'error: nowhere is no folder.\n'
    with pytest.raises(SystemExit) as caught:
        crf.main(['given', 'pictures', '--out', 'x', '--jobs', '0'])
    assert caught.value.code == 2
    assert '--jobs 0: give 1 or more' in capsys.readouterr().err
