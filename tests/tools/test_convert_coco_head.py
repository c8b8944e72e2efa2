"""The command that turns a COCO checkpoint into one of our classes."""
import errno
import importlib

import pytest
import torch
from mmdet.datasets import CocoDataset

NAME = 'mask_rcnn 牛.pth'
COCO = CocoDataset.METAINFO['classes']


@pytest.fixture(scope='module')
def tool(root):
    """The command line tool as a module."""
    return importlib.import_module('convert_coco_head')


@pytest.fixture
def source(tmp_path):
    """A checkpoint of which only the last layers are there."""
    rows = {'bbox_head.fc_cls': 81, 'bbox_head.fc_reg': 320, 'mask_head.conv_logits': 80}
    state_dict = {f'roi_head.{name}.bias': torch.arange(float(count))
                  for name, count in rows.items()}
    state_dict['backbone.conv1.weight'] = torch.ones(2)
    path = tmp_path / NAME
    torch.save(dict(state_dict=state_dict, meta=dict(CLASSES=COCO), optimizer=dict(lr=1)), path)
    return path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def run(tool, *args):
    return tool.main(list(map(str, args)))


def test_kept_class(tool, source, capsys):
    before = source.read_bytes()
    assert run(tool, source, '--keep', 'cow', '--as', 'cattle') == 0
    target = source.with_name('mask_rcnn 牛_cattle.pth')
    assert capsys.readouterr().out == f'{target}: 4 tensors; classes cattle (were cow)\n'
    assert source.read_bytes() == before
    # nothing in it but tensors and plain values
    loaded = torch.load(target, weights_only=True)
    assert set(loaded) == {'state_dict', 'meta'}
    assert loaded['meta'] == dict(dataset_meta=dict(classes=('cattle', )))
    place = COCO.index('cow')
    assert {key: value.tolist() for key, value in loaded['state_dict'].items()} == {
        'roi_head.bbox_head.fc_cls.bias': [place, 80],
        'roi_head.bbox_head.fc_reg.bias': [4 * place + k for k in range(4)],
        'roi_head.mask_head.conv_logits.bias': [place], 'backbone.conv1.weight': [1, 1]}
    assert target.stat().st_size < source.stat().st_size


def test_several_classes_and_a_chosen_file(tool, source, capsys):
    out = source.parent / 'new folder/weights.pth'
    assert run(tool, source, '--keep', 'cow', 'sheep', '--out', out) == 0
    assert 'classes cow, sheep (were cow, sheep)' in capsys.readouterr().out
    # the result can be converted again
    assert run(tool, out, '--keep', 'sheep', '--as', 'a/b c') == 0
    loaded = torch.load(out.with_name('weights_a-b-c.pth'), weights_only=True)
    assert loaded['meta']['dataset_meta']['classes'] == ('a/b c', )
    assert loaded['state_dict']['roi_head.bbox_head.fc_cls.bias'].tolist() == [
        COCO.index('sheep'), 80]


def test_dropped_heads(tool, source, capsys):
    assert run(tool, source, '--drop-heads') == 0
    target = source.with_name('mask_rcnn 牛_no-heads.pth')
    assert capsys.readouterr().out.startswith(f'{target}: 1 tensors without heads; train')
    assert set(torch.load(target, weights_only=True)['state_dict']) == {'backbone.conv1.weight'}


def test_earlier_files_are_kept(tool, source, capsys):
    assert run(tool, source, '--keep', 'cow') == 0
    before = contents(source.parent)
    target = source.with_name('mask_rcnn 牛_cow.pth')
    assert run(tool, source, '--keep', 'sheep', '--out', target) == 1
    assert f'{target} exists: give another name, or --overwrite' in capsys.readouterr().err
    assert run(tool, source, '--keep', 'cow', '--out', source, '--overwrite') == 1
    assert 'is the checkpoint itself: give another name' in capsys.readouterr().err
    assert run(tool, source, '--keep', 'cow', '--out', source.parent) == 1
    assert 'is a folder: give the name of a file' in capsys.readouterr().err
    assert contents(source.parent) == before
    assert run(tool, source, '--keep', 'sheep', '--out', target, '--overwrite') == 0
    assert target.read_bytes() != before[target.name]


def test_full_disk_leaves_nothing(tool, source, capsys, monkeypatch):
    before = contents(source.parent)

    def failing(content, path):
        path.write_bytes(b'half')
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(torch, 'save', failing)
    assert run(tool, source, '--keep', 'cow') == 1
    assert 'No space left on device' in capsys.readouterr().err
    assert contents(source.parent) == before


@pytest.mark.parametrize('content, words', [
    (b'', 'is no checkpoint of PyTorch (EOFError'),
    (b'<html>404 not found</html>', 'give another file, or download it again'),
    ([1, 2], 'holds no state dict: give a checkpoint of a training'),
    (dict(state_dict={'decode_head.conv_seg.weight': torch.ones(21)}),
     'has no roi_head.bbox_head.fc_cls: give one of a two-stage detector'),
])
def test_files_that_are_no_detector(tool, tmp_path, capsys, content, words):
    path = tmp_path / 'file.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    assert run(tool, path, '--keep', 'cow') == 1
    message = capsys.readouterr().err
    assert message.startswith('error: ') and words in message and message.count('\n') == 1
    assert set(contents(tmp_path)) == {'file.pth'}


def test_wrong_arguments(tool, source, capsys):
    assert run(tool, source.with_name('absent.pth'), '--drop-heads') == 1
    assert 'absent.pth is no file: give a checkpoint' in capsys.readouterr().err
    assert run(tool, source, '--keep', 'caw', '--as', 'cattle') == 1
    assert "has no class 'caw': did you mean 'cow'?" in capsys.readouterr().err
    assert run(tool, source, '--keep', 'cow', 'sheep', '--as', 'livestock') == 1
    assert 'cannot become 1 (livestock)' in capsys.readouterr().err
    for options, words in (([], 'one of the arguments --keep --drop-heads is required'),
                           (['--keep', 'cow', '--drop-heads'], 'not allowed with argument'),
                           (['--drop-heads', '--as', 'cattle'], 'give it with --keep')):
        with pytest.raises(SystemExit):
            run(tool, source, *options)
        assert words in capsys.readouterr().err
    assert set(contents(source.parent)) == {NAME}
