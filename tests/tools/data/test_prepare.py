"""The programs that lay out published data sets: what they print, their exit status."""
import numpy as np
from PIL import Image

from tests.helpers.voc_sources import make_voc
from tests.helpers.tool_calls import call_tool


def test_voc_in_part(tmp_path, capsys):
    options = ['--voc', make_voc(tmp_path), '--out', tmp_path / 'out', '--jobs', 1]
    assert call_tool('prepare_voc', *options) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == ('train: 3 images, every label within 0..20 and 255, not the published '
                          '1464')
    assert printed[-1] == f'VOC lies in {tmp_path}/out/VOC2012'
    assert call_tool('prepare_voc', *options, '--allow-partial') == 0


def test_voc_mistakes(tmp_path, capsys, monkeypatch):
    assert call_tool('prepare_voc', '--out', tmp_path / 'out') == 1
    assert capsys.readouterr().err.startswith(
        f'error: {tmp_path}/out/VOC2012 has no JPEGImages: give --voc with VOCtrainval')
    assert call_tool('prepare_voc', '--jobs', 0) == 2
    assert '--jobs 0 does no work: give 1 or more' in capsys.readouterr().err

    def full(self, target, *args, **kwargs):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('pathlib.Path.symlink_to', full)
    assert call_tool('prepare_voc', '--voc', make_voc(tmp_path), '--out', tmp_path / 'out') == 1
    assert capsys.readouterr().err == (
        'error: [Errno 28] No space left on device.\n'
        'what is done is kept: run the same command again to go on\n')


def test_isbi(tmp_path, capsys):
    for folder, value in (('pictures', 9), ('labels', 255)):
        (tmp_path / folder).mkdir()
        for name in range(3):
            Image.fromarray(np.full((4, 5), value, np.uint8)).save(
                tmp_path / folder / f'{name}.png')
    command = ['prepare_isbi', tmp_path / 'pictures', tmp_path / 'labels', '--out',
               tmp_path / 'out']
    assert call_tool(*command) == 0
    assert capsys.readouterr().out == (
        f'3 images, 100.0 % of the pixels are cells, 3 folds: {tmp_path / "out"}\n')
    assert call_tool(*command, '--folds', 1) == 2
    assert call_tool(*command, '--folds', 4) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        'error: --folds 4 needs as many images, there are 3: give 3 or less.')
