"""The tool that weighs the classes: its words, its file, and its refusals."""
import json

import numpy as np
import pytest
from mmseg.registry import MODELS
from PIL import Image
from tests.helpers.tool_calls import call_tool


CONFIG = """
num_classes = 3
train_dataloader = dict(dataset=dict(
    type='SegFolderDataset', data_root='farm 牛', pipeline=[dict(type='LoadAnnotations')],
    metainfo=dict(classes=('ground', 'cow', 'cat [c]')),
    data_prefix=dict(img_path='images', seg_map_path='labels')))
"""


@pytest.fixture
def farm(tmp_path, monkeypatch):
    """A config, and two images of 4 pixels: three of ground, one cow; ground alone."""
    for name, label in (('a', [[0, 0], [0, 1]]), ('b', [[0, 0], [0, 255]])):
        for folder in ('images', 'labels'):
            path = tmp_path / 'farm 牛' / folder / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.array(label, np.uint8)).save(path)
    (tmp_path / 'farm.py').write_text(CONFIG, encoding='utf-8')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_prints_and_writes_what_the_loss_takes(farm, capsys):
    assert call_tool('class_weights', 'farm.py', '--out', 'new/weights.json', '--jobs', '2') == 0
    out = capsys.readouterr().out
    # frequencies 6 / 8 and 1 / 4, their median 1 / 2
    assert out.splitlines()[-3:] == [
        'no image of the training set shows cat [c]: weight 0',
        'class_weight=[0.6667, 2.0, 0.0]', 'wrote new/weights.json']
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in out.splitlines()
            if line.startswith('│')]
    assert rows == [['ground', '2', '6', '0.6667'], ['cow', '1', '1', '2.0'],
                    ['cat [c]', '0', '0', '0.0']]
    assert json.loads((farm / 'new/weights.json').read_text()) == [0.6667, 2.0, 0.0]
    loss = MODELS.build(dict(type='BalancedCrossEntropyLoss', class_weight='new/weights.json'))
    np.testing.assert_allclose(loss.class_weight, [0.6667, 2, 0], rtol=1e-6)


def test_inverse(farm, capsys):
    assert call_tool('class_weights', 'farm.py', '--mode', 'inverse') == 0
    # 7 pixels, 2 classes that occur
    assert capsys.readouterr().out.splitlines()[-1] == 'class_weight=[0.5833, 3.5, 0.0]'
    assert {path.name for path in farm.iterdir()} == {'farm.py', 'farm 牛'}


def test_an_older_file_stays(farm, capsys):
    (farm / 'old.json').write_text('[9]')
    assert call_tool('class_weights', 'farm.py', '--out', 'old.json') == 1
    assert 'error: old.json exists already: choose another name, or replace it with --overwrite' \
        in capsys.readouterr().err
    assert (farm / 'old.json').read_text() == '[9]'
    assert call_tool('class_weights', 'farm.py', '--out', 'old.json', '--overwrite') == 0
    assert json.loads((farm / 'old.json').read_text()) == [0.6667, 2.0, 0.0]


@pytest.mark.parametrize('options, message', [
    (['--cfg-options', 'train_dataloader.dataset.metainfo.classes=ground,'],
     'value 1 in labels/a.png is none of the 1 classes'),
    (['--cfg-options', 'train_dataloader.dataset.data_root=nowhere'],
     'data root nowhere does not exist'),
])
def test_mistakes_are_one_sentence(farm, capsys, options, message):
    assert call_tool('class_weights', 'farm.py', '--out', 'weights.json', *options) == 1
    error = capsys.readouterr().err
    assert message in error and 'Traceback' not in error
    assert not (farm / 'weights.json').exists()


@pytest.mark.parametrize('options', [['--jobs', '0'], ['--out', 'weights.txt']])
def test_wrong_usage(farm, options):
    assert call_tool('class_weights', 'farm.py', *options) == 2
