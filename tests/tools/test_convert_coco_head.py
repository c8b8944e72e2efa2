"""The command that turns a COCO checkpoint into one of our classes: its words, its exit status."""
import pytest
import torch
from mmdet.datasets import CocoDataset

from tests.helpers.tool_calls import call_tool


@pytest.fixture
def source(tmp_path):
    """A checkpoint of which only the classifier is there."""
    path = tmp_path / 'mask_rcnn 牛.pth'
    torch.save(dict(state_dict={'roi_head.bbox_head.fc_cls.bias': torch.zeros(81),
                                'backbone.conv1.weight': torch.ones(2)},
                    meta=dict(CLASSES=CocoDataset.METAINFO['classes'])), path)
    return path


def test_what_it_says(source, capsys):
    assert call_tool('convert_coco_head', source, '--keep', 'cow', '--as', 'cattle') == 0
    target = source.with_name('mask_rcnn 牛_cattle.pth')
    assert capsys.readouterr().out == f'{target}: 2 tensors; classes cattle (were cow)\n'
    assert call_tool('convert_coco_head', source, '--keep', 'cow', '--out', target) == 1
    assert capsys.readouterr().err == (
        f'error: {target} exists: give another name, or --overwrite to replace it.\n')
    assert call_tool('convert_coco_head', source, '--drop-heads') == 0
    target = source.with_name('mask_rcnn 牛_no-heads.pth')
    assert capsys.readouterr().out.startswith(f'{target}: 1 tensors without heads; train')


@pytest.mark.parametrize('options, words', [
    ([], 'one of the arguments --keep --drop-heads is required'),
    (['--keep', 'cow', '--drop-heads'], 'not allowed with argument'),
    (['--drop-heads', '--as', 'cattle'], 'give it with --keep')])
def test_wrong_usage(source, capsys, options, words):
    assert call_tool('convert_coco_head', source, *options) == 2
    assert words in capsys.readouterr().err
