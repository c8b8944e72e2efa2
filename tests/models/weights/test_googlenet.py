"""GoogLeNet of torchvision in FCN's backbone, and the files of both classifiers."""
import pytest
import torch

from plugin.models.backbones import GoogLeNet
from plugin.models.weights.classifiers import convert
from plugin.models.weights.googlenet import convert_googlenet
from plugin.utils import UserError
from tests.helpers.tool_calls import call_tool

# of torchvision's table: in, 1x1, 3x3 reduced, 3x3, "5x5" reduced, "5x5", pooled
INCEPTIONS = {
    '3a': (192, 64, 96, 128, 16, 32, 32), '3b': (256, 128, 128, 192, 32, 96, 64),
    '4a': (480, 192, 96, 208, 16, 48, 64), '4b': (512, 160, 112, 224, 24, 64, 64),
    '4c': (512, 128, 128, 256, 24, 64, 64), '4d': (512, 112, 144, 288, 32, 64, 64),
    '4e': (528, 256, 160, 320, 32, 128, 128), '5a': (832, 256, 160, 320, 32, 128, 128),
    '5b': (832, 384, 192, 384, 48, 128, 128)}


def torchvision_googlenet():
    """A state dict with torchvision's names and shapes; a few bytes of values."""
    state_dict = {}

    def conv(name, before, after, kernel):
        state_dict[f'{name}.conv.weight'] = torch.zeros(1).expand(after, before, kernel, kernel)
        for key in ('weight', 'bias', 'running_mean', 'running_var'):
            state_dict[f'{name}.bn.{key}'] = torch.zeros(after)

    conv('conv1', 3, 64, 7)
    conv('conv2', 64, 64, 1)
    conv('conv3', 64, 192, 3)
    for number, (before, one, less, three, few, five, pooled) in INCEPTIONS.items():
        name = f'inception{number}'
        conv(f'{name}.branch1', before, one, 1)
        conv(f'{name}.branch2.0', before, less, 1)
        conv(f'{name}.branch2.1', less, three, 3)
        conv(f'{name}.branch3.0', before, few, 1)
        conv(f'{name}.branch3.1', few, five, 3)
        conv(f'{name}.branch4.1', before, pooled, 1)
    for name, before in (('aux1', 512), ('aux2', 528)):
        conv(f'{name}.conv', before, 128, 1)
        state_dict[f'{name}.fc1.weight'] = torch.zeros(1).expand(1024, 2048)
    state_dict['fc.weight'] = torch.zeros(1).expand(1000, 1024)
    state_dict['fc.bias'] = torch.zeros(1000)
    return state_dict


def test_torchvisions_names_load():
    source = torchvision_googlenet()
    converted = convert_googlenet(source)
    assert 'fc.weight' in source and len(converted) == (3 + 9 * 6) * 5
    with torch.device('meta'):
        backbone = GoogLeNet(variant='torchvision')
    missing, unexpected = backbone.load_state_dict(converted, strict=False, assign=True)
    assert not unexpected and all(key.endswith('num_batches_tracked') for key in missing)


def test_wrong_sources_are_named():
    source = torchvision_googlenet()
    source['inception6a.branch1.conv.weight'] = torch.zeros(1)
    with pytest.raises(UserError, match='inception6a.branch1.conv.weight does not belong to '
                       "GoogLeNet: give the state dict of torchvision's googlenet"):
        convert_googlenet(source)
    with pytest.raises(UserError, match='conv1.conv.weight is missing'):
        convert_googlenet({})


def test_files(tmp_path, capsys):
    source, target = tmp_path / 'googlenet.pth', tmp_path / 'new folder/ours.pth'
    torch.save(torchvision_googlenet(), source)
    assert call_tool('convert_classifier', 'googlenet', source, target) == 0
    assert '285 tensors for GoogLeNet' in capsys.readouterr().out
    assert len(torch.load(target, weights_only=True)['state_dict']) == 285
    assert call_tool('convert_classifier', 'googlenet', source, target) == 1
    assert 'ours.pth exists: give another name, or --overwrite' in capsys.readouterr().err
    assert call_tool('convert_classifier', 'alexnet', source, target, '--overwrite') == 1
    assert 'conv1.weight is missing' in capsys.readouterr().err
    with pytest.raises(UserError, match="network='vgg16' is none of alexnet, googlenet"):
        convert(source, target, network='vgg16')
