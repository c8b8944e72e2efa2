"""The commands that make weights for DeepLab."""
import errno
import importlib

import pytest
import torch

NAME = 'DeepLab LargeFOV 牛.pth'


@pytest.fixture
def tool(root):
    """Import a command line tool by its name."""
    return importlib.import_module


def published():
    return {'conv1_1.weight': torch.ones(4, 3, 3, 3), 'fc8_voc12.weight': torch.ones(5, 16, 1, 1),
            'fc8_voc12.bias': torch.ones(5)}


def run(module, *args):
    return module.main(list(map(str, args)))


def test_a_published_file_becomes_a_checkpoint(tool, tmp_path, capsys):
    source, target = tmp_path / NAME, tmp_path / 'new folder/deeplab.pth'
    torch.save(published(), source)
    before = source.read_bytes()
    assert run(tool('convert_deeplab'), source, target) == 0
    assert capsys.readouterr().out == f'{target}: 3 tensors, 5 classes\n'
    assert set(torch.load(target, weights_only=True)['state_dict']) == {
        'backbone.conv1_1.weight', 'decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'}
    assert source.read_bytes() == before
    assert run(tool('convert_deeplab'), source, target) == 1
    assert 'deeplab.pth exists: give another name, or --overwrite' in capsys.readouterr().err
    assert run(tool('convert_deeplab'), source, target, '--overwrite') == 0


def test_mistakes_leave_no_file(tool, tmp_path, capsys):
    source, target = tmp_path / NAME, tmp_path / 'deeplab.pth'
    assert run(tool('convert_deeplab'), source, target) == 1
    assert 'is no file: give a checkpoint' in capsys.readouterr().err
    source.write_text('not a checkpoint')
    assert run(tool('convert_deeplab'), source, target) == 1
    assert 'is no checkpoint of PyTorch' in capsys.readouterr().err
    torch.save({'conv1.weight': torch.ones(1)}, source)
    assert run(tool('convert_deeplab'), source, target) == 1
    assert 'error: conv1 ... has no classifier of DeepLab' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_full_disk_leaves_no_file(tool, tmp_path, monkeypatch, capsys):
    source, target = tmp_path / NAME, tmp_path / 'deeplab.pth'
    torch.save(published(), source)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(torch, 'save', full)
    assert run(tool('convert_deeplab'), source, target) == 1
    assert 'No space left on device' in capsys.readouterr().err
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
def test_vgg16_of_torchvision(tool, tmp_path, capsys, monkeypatch, network, number, name, shape):
    source, target = tmp_path / 'vgg16.pth', tmp_path / 'vgg16_deeplab.pth'
    torch.save(torchvision_vgg16(), source)
    written = {}
    monkeypatch.setattr(torch, 'save', lambda content, path: written.update(content))
    assert run(tool('convert_vgg16'), source, target, '--network', network) == 0
    assert f'{number} tensors for DeepLabVGG16' in capsys.readouterr().out
    assert written['state_dict'][name].shape == shape
    assert len(written['state_dict']) == number


def test_vgg16_is_not_written_over_its_source(tool, tmp_path, capsys):
    source, target = tmp_path / 'vgg16.pth', tmp_path / 'ours.pth'
    torch.save(torchvision_vgg16(), source)
    target.write_text('an older file')
    before = source.read_bytes()
    assert run(tool('convert_vgg16'), source, source, '--overwrite') == 1
    assert 'vgg16.pth is the checkpoint itself: give another name' in capsys.readouterr().err
    assert run(tool('convert_vgg16'), source, target) == 1
    assert 'ours.pth exists: give another name, or --overwrite' in capsys.readouterr().err
    assert source.read_bytes() == before and target.read_text() == 'an older file'


def test_vgg16_without_enough_units(tool, tmp_path, capsys):
    source, target = tmp_path / 'vgg16.pth', tmp_path / 'vgg16_deeplab.pth'
    weights = torchvision_vgg16()
    weights['classifier.0.weight'] = torch.zeros(1).expand(64, 25088)
    torch.save(weights, source)
    assert run(tool('convert_vgg16'), source, target, '--network', 'deeplabv1') == 1
    assert 'fc6 has 64 units, which cannot be subsampled to 1024' in capsys.readouterr().err
    assert not target.exists()
