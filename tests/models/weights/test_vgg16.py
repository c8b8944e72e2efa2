"""torchvision's VGG16 in FCN's backbone."""
import pytest
import torch
import torch.nn.functional as F

from plugin.models.backbones import FCNVGG16, SegNetVGG16
from plugin.models.weights.vgg16 import convert, convert_vgg16, encoder_from_vgg16
from tests.helpers.tool_calls import call_tool

WIDTH = 64  # of the fully connected layers, 4096 in torchvision's network


def torchvision_vgg16(norm: bool):
    """A state dict with torchvision's names, in the order of its modules."""
    generator = torch.Generator().manual_seed(0)
    state_dict, index, width = {}, 0, 3
    for step in [64, 64, 'M', 128, 128, 'M', *[256] * 3, 'M', *[512] * 3, 'M', *[512] * 3, 'M']:
        if step == 'M':
            index += 1
            continue
        state_dict[f'features.{index}.weight'] = torch.randn(
            step, width, 3, 3, generator=generator) * (2 / (9 * width))**0.5
        state_dict[f'features.{index}.bias'] = torch.randn(step, generator=generator)
        if norm:
            for name in ('weight', 'bias', 'running_mean', 'running_var'):
                state_dict[f'features.{index + 1}.{name}'] = torch.rand(step, generator=generator)
            state_dict[f'features.{index + 1}.num_batches_tracked'] = torch.tensor(7)
        index += 3 if norm else 2
        width = step
    for number, shape in ((0, (WIDTH, 25088)), (3, (WIDTH, WIDTH)), (6, (10, WIDTH))):
        state_dict[f'classifier.{number}.weight'] = torch.randn(
            shape, generator=generator) / shape[1]**0.5
        state_dict[f'classifier.{number}.bias'] = torch.randn(shape[0], generator=generator)
    return state_dict


def torchvision_features(state_dict, x, norm):
    """VGG16 up to its last pooling."""
    index = 0
    for stage in (2, 2, 3, 3, 3):
        for _ in range(stage):
            get = state_dict.__getitem__
            x = F.conv2d(x, get(f'features.{index}.weight'), get(f'features.{index}.bias'),
                         padding=1)
            if norm:
                bn = f'features.{index + 1}'
                x = F.batch_norm(x, get(f'{bn}.running_mean'), get(f'{bn}.running_var'),
                                 get(f'{bn}.weight'), get(f'{bn}.bias'))
            x = F.relu(x)
            index += 3 if norm else 2
        x = F.max_pool2d(x, 2)
        index += 1
    return x


def torchvision_forward(state_dict, x, norm):
    """VGG16 up to the ReLU of its second fully connected layer, on a 224 x 224 image."""
    x = torchvision_features(state_dict, x, norm).flatten(1)
    for number in (0, 3):
        x = F.relu(F.linear(x, state_dict[f'classifier.{number}.weight'],
                            state_dict[f'classifier.{number}.bias']))
    return x


@pytest.mark.parametrize('norm', [False, True])
def test_converted_weights_compute_what_torchvision_computes(norm):
    source = torchvision_vgg16(norm)
    converted = convert_vgg16(source)
    backbone = FCNVGG16(fc_channels=WIDTH, norm_cfg=dict(type='BN') if norm else None,
                        out_indices=('fc7', )).eval()
    missing, unexpected = backbone.load_state_dict(converted, strict=False)
    assert not unexpected
    # torchvision has no norm after its fully connected layers
    assert {key.split('.')[0] for key in missing} == ({'fc6_norm', 'fc7_norm'} if norm else set())
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        if norm:
            for name in ('fc6_norm', 'fc7_norm'):
                setattr(backbone, name, torch.nn.Identity())
        # at the centre of a 7 x 7 map the padded fc6 sees the whole map
        fc7 = backbone(x)[0][:, :, 3, 3]
        expected = torchvision_forward(source, x, norm)
    torch.testing.assert_close(fc7, expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())


def test_networks_with_a_dropout_before_fc6():
    """Older networks, among them Caffe's VGG16 in PyTorch, count their layers from a dropout on."""
    source = torchvision_vgg16(False)
    older = {key.replace('classifier.0', 'classifier.1').replace('classifier.3', 'classifier.4'):
             value for key, value in source.items()}
    assert older.keys() != source.keys()
    new, old = convert_vgg16(source), convert_vgg16(older)
    assert new.keys() == old.keys() and all(torch.equal(new[key], old[key]) for key in new)
    del older['classifier.4.weight']
    with pytest.raises(ValueError, match='classifier.4.weight is missing'):
        convert_vgg16(older)


def test_wrong_sources_are_named():
    with pytest.raises(ValueError, match='features.0.weight is missing: give the state dict of '
                       "torchvision's vgg16 or vgg16_bn"):
        convert_vgg16({'conv1.weight': torch.zeros(1)})
    source = torchvision_vgg16(False)
    source['layer4.weight'] = torch.zeros(1)
    before = set(source)
    with pytest.raises(ValueError, match='layer4.weight do not belong to VGG16'):
        convert_vgg16(source)
    assert set(source) == before


def test_a_file(tmp_path):
    torch.save(torchvision_vgg16(False), tmp_path / 'vgg16.pth')
    target = tmp_path / 'new folder' / 'vgg16.pth'
    assert len(convert(tmp_path / 'vgg16.pth', target)) == 30
    loaded = torch.load(target, weights_only=True)['state_dict']
    assert loaded['fc6.weight'].shape == (WIDTH, 512, 7, 7)


def test_encoder_of_segnet_computes_the_features_of_torchvision():
    source = torchvision_vgg16(True)
    converted = convert_vgg16(source)
    backbone = SegNetVGG16().eval()
    backbone.load_state_dict(encoder_from_vgg16(converted), strict=True)
    assert 'fc6.weight' in converted
    x = torch.randn(1, 3, 64, 32)
    with torch.no_grad():
        features = backbone(x)[-1]
        expected = torchvision_features(source, x, True)
    torch.testing.assert_close(features, expected, rtol=1e-3,
                               atol=1e-3 * expected.abs().max().item())


def test_segnet_needs_batch_norm():
    with pytest.raises(ValueError, match="this VGG16 has none: give torchvision's vgg16_bn"):
        encoder_from_vgg16(convert_vgg16(torchvision_vgg16(False)))


def test_a_file_for_segnet(tmp_path, capsys):
    torch.save(torchvision_vgg16(True), tmp_path / 'vgg16_bn.pth')
    target = tmp_path / 'segnet.pth'
    assert call_tool('convert_vgg16', tmp_path / 'vgg16_bn.pth', target, '--network', 'segnet') == 0
    assert '91 tensors for SegNetVGG16 with batch norm' in capsys.readouterr().out
    loaded = torch.load(target, weights_only=True)['state_dict']
    assert loaded.keys() == SegNetVGG16(base_channels=1).state_dict().keys()
