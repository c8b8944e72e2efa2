"""Files of a COCO checkpoint turned into one of our classes."""
import errno

import pytest
import torch
from mmdet.datasets import CocoDataset

from plugin.models.weights.coco_head import convert
from plugin.utils import UserError

NAME = 'mask_rcnn 牛.pth'
COCO = CocoDataset.METAINFO['classes']


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


def test_kept_class(source):
    before = source.read_bytes()
    target, converted = convert(source, keep=['cow'], names=['cattle'])
    assert target == source.with_name('mask_rcnn 牛_cattle.pth')
    assert len(converted['state_dict']) == 4
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


def test_several_classes_and_a_chosen_file(source):
    out = source.parent / 'new folder/weights.pth'
    _, converted = convert(str(source), str(out), keep=['cow', 'sheep'])
    assert converted['meta']['dataset_meta']['classes'] == ('cow', 'sheep')
    # the result can be converted again
    convert(out, keep=['sheep'], names=['a/b c'])
    loaded = torch.load(out.with_name('weights_a-b-c.pth'), weights_only=True)
    assert loaded['meta']['dataset_meta']['classes'] == ('a/b c', )
    assert loaded['state_dict']['roi_head.bbox_head.fc_cls.bias'].tolist() == [
        COCO.index('sheep'), 80]


def test_dropped_heads(source):
    target, _ = convert(source)
    assert target == source.with_name('mask_rcnn 牛_no-heads.pth')
    assert set(torch.load(target, weights_only=True)['state_dict']) == {'backbone.conv1.weight'}


def test_earlier_files_are_kept(source):
    convert(source, keep=['cow'])
    before = contents(source.parent)
    target = source.with_name('mask_rcnn 牛_cow.pth')
    for out, overwrite, words in (
            (target, False, f'{target} exists: give another name, or --overwrite'),
            (source, True, 'is the checkpoint itself: give another name'),
            (source.parent, False, 'is a folder: give the name of a file')):
        with pytest.raises(OSError, match=words):
            convert(source, out, keep=['sheep'], overwrite=overwrite)
    assert contents(source.parent) == before
    convert(source, target, keep=['sheep'], overwrite=True)
    assert target.read_bytes() != before[target.name]


def test_full_disk_leaves_nothing(source, monkeypatch):
    before = contents(source.parent)

    def failing(content, path):
        path.write_bytes(b'half')
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(torch, 'save', failing)
    with pytest.raises(OSError, match='No space left on device'):
        convert(source, keep=['cow'])
    assert contents(source.parent) == before


@pytest.mark.parametrize('content, words', [
    (b'', r'is no checkpoint of PyTorch \(EOFError'),
    (b'<html>404 not found</html>', 'give another file, or download it again'),
    ([1, 2], 'holds no state dict: give a checkpoint of a training'),
    (dict(state_dict={'decode_head.conv_seg.weight': torch.ones(21)}),
     'has no roi_head.bbox_head.fc_cls: give one of a two-stage detector'),
])
def test_files_that_are_no_detector(tmp_path, content, words):
    path = tmp_path / 'file.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(UserError, match=words):
        convert(path, keep=['cow'])
    assert set(contents(tmp_path)) == {'file.pth'}


def test_wrong_arguments(source):
    with pytest.raises(FileNotFoundError, match='absent.pth is no file: give a checkpoint'):
        convert(source.with_name('absent.pth'))
    for options, words in ((dict(keep=['caw'], names=['cattle']),
                            "has no class 'caw': did you mean 'cow'?"),
                           (dict(keep=['cow', 'sheep'], names=['livestock']),
                            'cannot become 1 (livestock)'),
                           (dict(names=['cattle']), 'names are for kept classes')):
        with pytest.raises(UserError) as error:
            convert(source, **options)
        assert words in str(error.value)
    assert set(contents(source.parent)) == {NAME}
