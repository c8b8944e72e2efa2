"""Files of weights made for DeepLab."""
import errno

import pytest
import torch

from plugin.models.weights import deeplab, vgg16
from plugin.utils import UserError

NAME = 'DeepLab LargeFOV 牛.pth'


def published():
    return {'conv1_1.weight': torch.ones(4, 3, 3, 3), 'fc8_voc12.weight': torch.ones(5, 16, 1, 1),
            'fc8_voc12.bias': torch.ones(5)}


def test_a_published_file_becomes_a_checkpoint(tmp_path):
    source, target = tmp_path / NAME, tmp_path / 'new folder/deeplab.pth'
    torch.save(published(), source)
    before = source.read_bytes()
    converted = deeplab.convert(source, target)
    assert len(converted) == 3 and deeplab.class_count(converted) == 5
    assert set(torch.load(target, weights_only=True)['state_dict']) == {
        'backbone.conv1_1.weight', 'decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'}
    assert source.read_bytes() == before
    with pytest.raises(FileExistsError, match='deeplab.pth exists: give another name, or '
                       '--overwrite'):
        deeplab.convert(source, target)
    deeplab.convert(str(source), str(target), overwrite=True)


def test_mistakes_leave_no_file(tmp_path):
    source, target = tmp_path / NAME, tmp_path / 'deeplab.pth'
    with pytest.raises(FileNotFoundError, match='is no file: give a checkpoint'):
        deeplab.convert(source, target)
    source.write_text('not a checkpoint')
    with pytest.raises(UserError, match='is no checkpoint of PyTorch'):
        deeplab.convert(source, target)
    torch.save({'conv1.weight': torch.ones(1)}, source)
    with pytest.raises(UserError, match='^conv1 ... has no classifier of DeepLab'):
        deeplab.convert(source, target)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    source, target = tmp_path / NAME, tmp_path / 'deeplab.pth'
    torch.save(published(), source)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(OSError, match='No space left on device'):
        deeplab.convert(source, target)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def torchvision_vgg16():
    """Zeros in the names and shapes of torchvision's VGG16 with 1024 units; a few bytes on disk."""
    state_dict, index, width = {}, 0, 3
    for step in [64, 64, 0, 128, 128, 0, *[256] * 3, 0, *[512] * 3, 0, *[512] * 3, 0]:
        if step:
            state_dict[f'features.{index}.weight'] = torch.zeros(1).expand(step, width, 3, 3)
            state_dict[f'features.{index}.bias'] = torch.zeros(step)
            width = step
        index += 2 if step else 1
    for number, shape in ((0, (1024, 25088)), (3, (1024, 1024)), (6, (10, 1024))):
        state_dict[f'classifier.{number}.weight'] = torch.zeros(1).expand(shape)
        state_dict[f'classifier.{number}.bias'] = torch.zeros(shape[0])
    return state_dict


@pytest.mark.parametrize('network, number, name, shape', [
    ('deeplabv1', 30, 'fc6.weight', (1024, 512, 3, 3)),
    ('deeplabv2', 42, 'decode_head.trunks.3.fc7.weight', (1024, 1024, 1, 1)),
])
def test_vgg16_of_torchvision(tmp_path, monkeypatch, network, number, name, shape):
    source, target = tmp_path / 'vgg16.pth', tmp_path / 'vgg16_deeplab.pth'
    torch.save(torchvision_vgg16(), source)
    written = {}
    monkeypatch.setattr(torch, 'save', lambda content, path: written.update(content))
    assert len(vgg16.convert(source, target, network=network)) == number
    assert written['state_dict'][name].shape == shape
    assert len(written['state_dict']) == number


def test_vgg16_is_not_written_over_its_source(tmp_path):
    source, target = tmp_path / 'vgg16.pth', tmp_path / 'ours.pth'
    torch.save(torchvision_vgg16(), source)
    target.write_text('an older file')
    before = source.read_bytes()
    with pytest.raises(FileExistsError, match='vgg16.pth is the checkpoint itself: give another'):
        vgg16.convert(source, source, overwrite=True)
    with pytest.raises(FileExistsError, match='ours.pth exists: give another name, or --overwrite'):
        vgg16.convert(source, target)
    with pytest.raises(UserError, match="network='unet' is none of fcn, deeplabv1, deeplabv2"):
        vgg16.convert(source, target, network='unet', overwrite=True)
    assert source.read_bytes() == before and target.read_text() == 'an older file'


def test_vgg16_without_enough_units(tmp_path):
    source, target = tmp_path / 'vgg16.pth', tmp_path / 'vgg16_deeplab.pth'
    weights = torchvision_vgg16()
    weights['classifier.0.weight'] = torch.zeros(1).expand(64, 25088)
    torch.save(weights, source)
    with pytest.raises(UserError, match='fc6 has 64 units, which cannot be subsampled to 1024'):
        vgg16.convert(source, target, network='deeplabv1')
    assert not target.exists()
