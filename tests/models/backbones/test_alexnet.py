"""AlexNet against the published FCN-AlexNet, and where its positions lie."""
import pytest
import torch
from mmseg.registry import MODELS

from plugin.models.backbones import AlexNet
from plugin.models.weights.published_fcn import rename_published
from tests import reference
from tests.helpers.fcn_weights import random_weights

# an eighth of the maps
NARROW = {96: 12, 256: 32, 384: 48, 48: 6, 192: 24, 4096: 16}


def segmentor(**backbone):
    return MODELS.build(dict(
        type='EncoderDecoder',
        backbone=dict(type='AlexNet', widen_factor=1 / 8, fc_channels=16, **backbone),
        decode_head=dict(type='FCNSkipHead', in_channels=[16], num_classes=21, stride=32,
                         geometry='caffe', last_kernel=63, last_offset=18)))


@pytest.mark.parametrize('size', [(97, 131), (160, 96), (33, 500)])
def test_published_checkpoint_computes_what_it_computed(size):
    weights = random_weights(reference.ALEXNET_LAYERS, NARROW)
    model = segmentor(geometry='caffe').eval()
    model.load_state_dict(rename_published(weights, model.state_dict()), strict=True)
    data = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1)) * 50
    with torch.no_grad():
        logits = model.encode_decode(data, [dict(img_shape=size)] * 2)
        expected = reference.published_fcn_alexnet(weights, data)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_names_and_shapes_are_the_published_ones():
    with torch.device('meta'):
        state = AlexNet(geometry='caffe').state_dict()
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    for name, (out, width, kernel, _) in reference.ALEXNET_LAYERS.items():
        if name in ('score_fr', 'upscore'):
            continue
        assert shapes.pop(f'{name}.weight') == (out, width, kernel, kernel)
        assert shapes.pop(f'{name}.bias') == (out, )
    assert not shapes


@pytest.mark.parametrize('variant', ['caffe', 'torchvision'])
@pytest.mark.parametrize('size', [(1, 1), (97, 131), (224, 224)])
def test_levels_round_up(variant, size):
    backbone = AlexNet(variant=variant, widen_factor=1 / 8, fc_channels=4,
                       out_indices=('conv1', 0, 1, 'conv5', 2, 'fc6', -1)).eval()
    last = 32
    shapes = [tuple(level.shape[1:]) for level in backbone(torch.randn(1, 3, *size))]
    at = {s: tuple(-(-side // s) for side in size) for s in (4, 8, 16, 32)}
    first = round(backbone.conv1.out_channels)
    assert shapes == [(first, *at[4]), (first, *at[8]),
                      (backbone.conv2.out_channels, *at[16]), (last, *at[16]), (last, *at[32]),
                      (4, *at[32]), (4, *at[32])]


def centre_of(backbone, level, place):
    """Pixel at the middle of what a position of a level sees, along both axes."""
    x = torch.zeros(1, 3, 512, 512, requires_grad=True)
    x.data += torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    backbone(x)[level][0, :, place, place].sum().backward()
    seen = x.grad[0].abs().sum(0).nonzero().float()
    return ((seen.min(0).values + seen.max(0).values) / 2).tolist()


def test_the_middle_of_a_position():
    """What the docstring promises to the head, by the pixels that change a position's value."""
    torch.manual_seed(0)
    backbone = AlexNet(widen_factor=1 / 8, fc_channels=4, out_indices=('pool5', 'fc7')).eval()
    for name in ('pool1', 'pool2', 'pool5'):
        # a mean sees its whole window, a maximum one position of it
        setattr(backbone, name, torch.nn.AvgPool2d(3, 2, padding=1))
    for layer in backbone.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.constant_(layer.weight, 1e-2)
    assert centre_of(backbone, 0, 8) == pytest.approx([32 * 8] * 2, abs=1)
    assert centre_of(backbone, 1, 8) == pytest.approx([32 * 8 + 16] * 2, abs=1)


def test_wrong_settings():
    with pytest.raises(ValueError, match="variant='vgg' is unknown: use 'caffe' or 'torchvision'"):
        AlexNet(variant='vgg')
    with pytest.raises(ValueError, match="geometry='valid' is unknown: use 'same' or 'caffe'"):
        AlexNet(geometry='valid')
    with pytest.raises(ValueError, match="out_indices names 'pool3'.*use 0 to 4 or one of conv1"):
        AlexNet(widen_factor=1 / 8, fc_channels=4, out_indices=('pool3', ))
