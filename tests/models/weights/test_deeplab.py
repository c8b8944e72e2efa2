"""Published layouts of DeepLab, and VGG16 of ImageNet for it."""
import pytest
import torch
from mmseg.registry import MODELS

from plugin.models.backbones import DeepLabVGG16
from plugin.models.weights.deeplab import (
    aspp_from_vgg16,
    class_count,
    convert_deeplab,
    subsample_vgg16,
)
from tests import reference

CLASSES = 5
WIDTHS = [(2, 4), (2, 8), (3, 16), (3, 32), (3, 32)]


def convolutions(layers, prefix='', seed=0):
    """Random weights of ``name -> (maps out, maps in, kernel)``."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, (out, width, kernel) in layers.items():
        scale = (2 / (width * kernel * kernel))**0.5
        weights[f'{prefix}{name}.weight'] = torch.randn(
            out, width, kernel, kernel, generator=generator) * scale
        weights[f'{prefix}{name}.bias'] = torch.randn(out, generator=generator) * 0.1
    return weights


def vgg_layers():
    layers, width = {}, 3
    for stage, (depth, out) in enumerate(WIDTHS, 1):
        for index in range(1, depth + 1):
            layers[f'conv{stage}_{index}'] = (out, width, 3)
            width = out
    return layers


def large_fov(msc=False):
    layers = dict(vgg_layers(), fc6=(16, 32, 3), fc7=(16, 16, 1), fc8_voc12=(CLASSES, 16, 1))
    if msc:
        for name, width in dict(data=3, pool1=4, pool2=8, pool3=16, pool4=32).items():
            layers.update({f'{name}_conv': (8, width, 3), f'{name}_fc': (8, 8, 1),
                           f'{name}_ms': (CLASSES, 8, 1)})
    return convolutions(layers)


def aspp_vgg():
    layers = vgg_layers()
    for branch in range(1, 5):
        layers.update({f'fc6_{branch}': (8, 32, 3), f'fc7_{branch}': (8, 8, 1),
                       f'fc8_voc12_{branch}': (CLASSES, 8, 1)})
    return convolutions(layers)


def resnet_model():
    torch.manual_seed(0)
    return MODELS.build(dict(
        type='MultiScaleEncoderDecoder',
        backbone=dict(type='ResNet', depth=50, base_channels=4, stem_channels=4, style='caffe',
                      strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), out_indices=(3, ),
                      norm_cfg=dict(type='BN', requires_grad=False), norm_eval=True),
        decode_head=dict(type='ASPPSumHead', in_channels=128, num_classes=CLASSES))).eval()


def published_resnet(model, prefix='Scale.'):
    """Random weights in the names of the PyTorch conversion."""
    generator = torch.Generator().manual_seed(1)
    weights = {}
    for key, value in model.state_dict().items():
        key = key.replace('backbone.', '').replace('decode_head.classifiers', 'layer5.conv2d_list')
        if 'num_batches' in key:
            continue  # these files are older than it
        if value.ndim == 4:
            value = torch.randn(value.shape, generator=generator) * (
                2 / value[0].numel())**0.5
        else:
            value = torch.rand(value.shape, generator=generator) + 0.5
        weights[f'{prefix}{key}'] = value
    return weights


@pytest.mark.parametrize('msc', [False, True], ids=['large-fov', 'msc'])
def test_v1_computes_what_caffe_computed(msc):
    weights = large_fov(msc)
    levels = ('data', 'pool1', 'pool2', 'pool3', 'pool4', 'fc7')
    head = dict(type='DeepLabLargeFOVHead', in_channels=16)
    if msc:
        head = dict(type='DeepLabMScHead', in_channels=[3, 4, 8, 16, 32, 16], branch_channels=8)
    model = MODELS.build(dict(
        type='EncoderDecoder',
        backbone=dict(type='DeepLabVGG16', base_channels=4, fc_channels=16,
                      out_indices=levels if msc else ('fc7', )),
        decode_head=dict(head, num_classes=CLASSES))).eval()
    before = dict(weights)
    model.load_state_dict(convert_deeplab(weights), strict=True)
    assert weights == before
    data = torch.randn(2, 3, 97, 65, generator=torch.Generator().manual_seed(1)) * 50
    with torch.no_grad():
        for test in (False, True):
            logits = (model.encode_decode(data, [dict(img_shape=(97, 65))]) if test
                      else model._forward(data))
            expected = reference.published_deeplabv1(weights, data, msc, test)
            torch.testing.assert_close(logits, expected, rtol=1e-4,
                                       atol=1e-4 * expected.abs().max().item())


def test_v2_on_vgg16_computes_what_caffe_computed():
    weights = aspp_vgg()
    model = MODELS.build(dict(
        type='EncoderDecoder',
        backbone=dict(type='DeepLabVGG16', base_channels=4, fc_channels=None,
                      out_indices=('pool5', )),
        decode_head=dict(type='ASPPSumHead', in_channels=32, fc_channels=8,
                         num_classes=CLASSES))).eval()
    model.load_state_dict(convert_deeplab(weights), strict=True)
    data = torch.randn(1, 3, 97, 65)
    with torch.no_grad():
        torch.testing.assert_close(model._forward(data),
                                   reference.published_aspp_vgg16(weights, data),
                                   rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('prefix', ['Scale.', ''])
def test_v2_on_resnet_computes_what_was_published(prefix):
    model = resnet_model()
    weights = published_resnet(model)
    missing, unexpected = model.load_state_dict(
        convert_deeplab({key.replace('Scale.', prefix): value for key, value in weights.items()}),
        strict=False)
    assert not unexpected and all('num_batches' in key for key in missing)
    data = torch.randn(1, 3, 97, 97)
    with torch.no_grad():
        fused = model._forward(data)
        expected = reference.published_deeplabv2(weights, data)['max']
    torch.testing.assert_close(fused, expected, rtol=1e-3,
                               atol=1e-3 * expected.abs().max().item())


def in_blocks(weights, prefix='base.'):
    """The names of kazuto1011/deeplab-pytorch for those of the other PyTorch files."""
    renamed = {}
    for key, value in weights.items():
        parts = key.split('.')
        if parts[0] in ('conv1', 'bn1'):
            parts[:1] = ['layer1', 'conv1', 'conv' if parts[0] == 'conv1' else 'bn']
        elif parts[0] == 'layer5':
            parts[:3] = ['aspp', f'c{parts[2]}']
        else:
            stage, block, layer, *rest = parts
            names = dict(conv1=('reduce', 'conv'), conv2=('conv3x3', 'conv'),
                         conv3=('increase', 'conv'), bn1=('reduce', 'bn'), bn2=('conv3x3', 'bn'),
                         bn3=('increase', 'bn'))
            if layer == 'downsample':
                layer, *rest = rest
                names[layer] = ('shortcut', 'conv' if layer == '0' else 'bn')
            parts = [f'layer{int(stage[-1]) + 1}', f'block{int(block) + 1}', *names[layer], *rest]
        renamed[prefix + '.'.join(parts)] = value
    return renamed


@pytest.mark.parametrize('prefix', ['base.', '', 'module.base.'])
def test_v2_on_resnet_in_blocks_is_the_same_network(prefix):
    weights = published_resnet(resnet_model(), prefix='')
    blocks = in_blocks(weights, prefix)
    assert f'{prefix}layer2.block1.shortcut.conv.weight' in blocks
    assert f'{prefix}layer5.block3.increase.bn.running_var' in blocks
    assert f'{prefix}aspp.c3.bias' in blocks
    found, expected = convert_deeplab(blocks), convert_deeplab(weights)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)


def test_the_start_of_coco_leaves_its_classifier_behind():
    weights = published_resnet(resnet_model(), prefix='')
    backbone = {key: value for key, value in in_blocks(weights, '').items() if 'aspp' not in key}
    start = {**backbone, 'fc.weight': torch.ones(91, 128, 1, 1), 'fc.bias': torch.ones(91)}
    converted = convert_deeplab(start)
    assert len(converted) == len(backbone) and class_count(converted) is None
    missing, unexpected = resnet_model().load_state_dict(converted, strict=False)
    assert not unexpected
    assert all('num_batches' in key or key.startswith('decode_head.classifiers')
               for key in missing)
    # beside an ASPP it would be an unknown layer
    with pytest.raises(ValueError, match='fc.weight does not belong'):
        convert_deeplab({**in_blocks(weights, ''), 'fc.weight': torch.ones(91)})


def test_three_scales_share_their_weights():
    weights = {'Scale1.layer5.conv2d_list.0.bias': torch.ones(2),
               'Scale2.layer5.conv2d_list.0.bias': torch.ones(2)}
    assert list(convert_deeplab(weights)) == ['decode_head.classifiers.0.bias']
    weights['Scale3.layer5.conv2d_list.0.bias'] = torch.zeros(2)
    with pytest.raises(ValueError, match='Scale3.layer5.conv2d_list.0.bias differs from'):
        convert_deeplab(weights)


@pytest.mark.parametrize('extra, message', [
    ({'score_fr.weight': torch.zeros(1)}, r'score_fr \.\.\. has no classifier of DeepLab'),
    ({'fc8_voc12.weight': torch.zeros(1), 'score_pool4.weight': torch.zeros(1)},
     'score_pool4.weight does not belong to the published network'),
    ({'fc8_voc12_1.weight': torch.zeros(1), 'fc6.weight': torch.zeros(1)},
     'fc6.weight does not belong'),
    ({'layer5.conv2d_list.0.weight': torch.zeros(1), 'fc.weight': torch.zeros(1)},
     'fc.weight does not belong'),
])
def test_wrong_sources_are_named(extra, message):
    with pytest.raises(ValueError, match=message):
        convert_deeplab(extra)


def small_vgg(units=16):
    generator = torch.Generator().manual_seed(0)
    return {'conv1_1.weight': torch.randn(2, 3, 3, 3, generator=generator),
            'fc6.weight': torch.randn(units, 4, 7, 7, generator=generator),
            'fc6.bias': torch.randn(units, generator=generator),
            'fc7.weight': torch.randn(units, units, 1, 1, generator=generator),
            'fc7.bias': torch.randn(units, generator=generator)}


def test_every_fourth_unit_and_every_third_tap_are_kept():
    source = small_vgg()
    small = subsample_vgg16(source, 4)
    assert small['fc6.weight'].shape == (4, 4, 3, 3)
    for unit in range(4):
        assert small['fc6.bias'][unit] == source['fc6.bias'][4 * unit]
        assert small['fc7.bias'][unit] == source['fc7.bias'][4 * unit]
        for before in range(4):
            assert (small['fc7.weight'][unit, before]
                    == source['fc7.weight'][4 * unit, 4 * before]).all()
        for i in range(3):
            for j in range(3):
                assert torch.equal(small['fc6.weight'][unit, :, i, j],
                                   source['fc6.weight'][4 * unit, :, 3 * i, 3 * j])
    assert source['fc6.weight'].shape == (16, 4, 7, 7)


def test_subsampled_fc6_sees_the_same_places():
    """At dilation 12 and stride 8 the nine taps lie where taps 0, 3 and 6 of stride 32 lay."""
    dilation, stride = DeepLabVGG16(base_channels=1, fc_channels=1).fc6.dilation[0], 8
    assert [stride * dilation * k for k in (-1, 0, 1)] == [32 * (tap - 3) for tap in (0, 3, 6)]


def test_branches_start_from_the_same_layers():
    small = subsample_vgg16(small_vgg(), 4)
    converted = aspp_from_vgg16(small)
    assert set(converted) == {'backbone.conv1_1.weight'} | {
        f'decode_head.trunks.{k}.{layer}.{kind}' for k in range(4) for layer in ('fc6', 'fc7')
        for kind in ('weight', 'bias')}
    assert torch.equal(converted['decode_head.trunks.3.fc6.weight'], small['fc6.weight'])
    converted['decode_head.trunks.3.fc6.weight'].zero_()
    assert converted['decode_head.trunks.2.fc6.weight'].any()


@pytest.mark.parametrize('source, message', [
    ({}, 'fc6.weight or fc7.weight is missing'),
    (small_vgg(18), 'fc6 has 18 units, which cannot be subsampled to 4'),
    (small_vgg(2), 'fc6 has 2 units, which cannot be subsampled to 4'),
])
def test_units_that_cannot_be_subsampled(source, message):
    with pytest.raises(ValueError, match=message):
        subsample_vgg16(source, 4)
