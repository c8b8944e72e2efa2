"""Xception-65: its plan, its levels, its receptive field, and the published network."""
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from plugin.models.backbones import Xception65
from plugin.models.backbones.xception import plan

NARROW = dict(widen_factor=1 / 16, middle_units=1)


@pytest.mark.parametrize('output_stride, multi_grid, strides, rates', [
    (32, (1, 1, 1), (2, 2, 2, 1, 1, 2, 1), [(1, ) * 3] * 7),
    # the exit flow does not stride: what follows it has twice the rate
    (16, (1, 1, 1), (2, 2, 2, 1, 1, 1, 1), [(1, ) * 3] * 6 + [(2, ) * 3]),
    (16, (1, 2, 4), (2, 2, 2, 1, 1, 1, 1), [(1, ) * 3] * 6 + [(2, 4, 8)]),
    # neither does the third unit
    (8, (1, 2, 4), (2, 2, 1, 1, 1, 1, 1), [(1, ) * 3] * 3 + [(2, ) * 3] * 3 + [(4, 8, 16)]),
])
def test_strides_and_rates_by_hand(output_stride, multi_grid, strides, rates):
    units = plan(2, output_stride, multi_grid)
    assert tuple(unit.stride for unit in units) == strides
    assert [unit.rates for unit in units] == rates


def test_the_whole_network_has_65_layers():
    units = plan(16, 16, (1, 1, 1))
    # 2 convolutions of the stem, 3 separable ones a unit; the classifier is not counted
    assert 2 + 3 * len(units) == 65


@pytest.mark.parametrize('output_stride', [8, 16, 32])
def test_levels(output_stride):
    backbone = Xception65(output_stride=output_stride, **NARROW).eval()
    with torch.no_grad():
        levels = backbone(torch.randn(1, 3, 97, 131))
    middle = min(output_stride, 16)
    # 256, 728, 728 and 2048 maps in the full width
    expected = [(channels, -(-97 // stride), -(-131 // stride)) for channels, stride in
                ((16, 4), (46, 8), (46, middle), (128, output_stride))]
    assert [tuple(level.shape[1:]) for level in levels] == expected


def test_chosen_levels_keep_the_given_order():
    backbone = Xception65(**NARROW).eval()
    other = Xception65(out_indices=(3, 0), **NARROW).eval()
    other.load_state_dict(backbone.state_dict())
    x = torch.randn(1, 3, 33, 49)
    with torch.no_grad():
        levels, chosen = backbone(x), other(x)
    torch.testing.assert_close(chosen, (levels[3], levels[0]))


@pytest.mark.parametrize('output_stride, multi_grid', [(16, (1, 1, 1)), (8, (1, 2, 4))])
def test_receptive_field(output_stride, multi_grid):
    """Sum of (kernel - 1) x rate x stride before, over all layers of a chain."""
    field, reached = 1 + 2, 2
    field += 2 * reached
    for unit in plan(1, output_stride, multi_grid):
        field += sum(2 * rate * reached for rate in unit.rates)
        reached *= unit.stride
    # of all 16 middle units at output stride 16
    if output_stride == 16:
        assert field + 15 * 3 * 2 * 16 == 1915

    backbone = Xception65(output_stride=output_stride, multi_grid=multi_grid, widen_factor=1 / 64,
                          middle_units=1).eval()
    for parameter in backbone.parameters():
        # what is positive everywhere hides nothing behind a ReLU
        torch.nn.init.constant_(parameter, 0.5)
    x = torch.ones(1, 3, 9, 32 * (field // 32 + 3) + 1, requires_grad=True)
    last = backbone(x)[-1]
    last[0, :, last.shape[2] // 2, last.shape[3] // 2].sum().backward()
    assert x.grad[0].abs().sum((0, 1)).count_nonzero() == field


def published_state() -> dict:
    """A made-up checkpoint of the narrow network under the names of timm's xception65."""
    generator = torch.Generator().manual_seed(1)
    state = {}

    def conv_norm(conv, norm, *shape):
        fan = shape[1] * shape[2] * shape[3]
        state[f'{conv}.weight'] = (
            torch.randn(shape, generator=generator, dtype=torch.float64) * (2 / fan) ** 0.5)
        for name, least in (('weight', 0.5), ('bias', -0.5), ('running_mean', -0.5),
                            ('running_var', 0.5)):
            state[f'{norm}.{name}'] = least + torch.rand(
                shape[0], generator=generator, dtype=torch.float64)
        state[f'{norm}.num_batches_tracked'] = torch.tensor(7)

    conv_norm('stem.0.conv', 'stem.0.bn', 2, 3, 3, 3)
    conv_norm('stem.1.conv', 'stem.1.bn', 4, 2, 3, 3)
    width = 4
    for block, channels in enumerate(WIDTHS):
        if block not in (3, 5):
            conv_norm(f'blocks.{block}.shortcut.conv', f'blocks.{block}.shortcut.bn',
                      channels[-1], width, 1, 1)
        for number, out in enumerate(channels, 1):
            name = f'blocks.{block}.stack.conv{number}'
            conv_norm(f'{name}.conv_dw', f'{name}.bn_dw', width, 1, 3, 3)
            conv_norm(f'{name}.conv_pw', f'{name}.bn_pw', out, width, 1, 1)
            width = out
    return state


# maps over 16, with one unit in the middle flow
WIDTHS = ((8, 8, 8), (16, 16, 16), (46, 46, 46), (46, 46, 46), (46, 64, 64), (96, 96, 128))


def published_forward(state: dict, x: torch.Tensor) -> tuple:
    """The published network at output stride 16, step by step."""
    def conv_norm(x, conv, norm, stride=1, rate=1):
        weight = state[f'{conv}.weight']
        groups = x.shape[1] // weight.shape[1]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2 * rate, dilation=rate,
                     groups=groups)
        mean, var, scale, shift = (
            state[f'{norm}.{name}'][:, None, None]
            for name in ('running_mean', 'running_var', 'weight', 'bias'))
        return (x - mean) / (var + 1e-3).sqrt() * scale + shift

    x = conv_norm(x, 'stem.0.conv', 'stem.0.bn', stride=2).relu()
    x = conv_norm(x, 'stem.1.conv', 'stem.1.bn').relu()
    for block, (stride, rate) in enumerate([(2, 1), (2, 1), (2, 1), (1, 1), (1, 1), (1, 2)]):
        y = x
        for number in (1, 2, 3):
            name = f'blocks.{block}.stack.conv{number}'
            y = y if block == 5 else y.relu()
            y = conv_norm(y, f'{name}.conv_dw', f'{name}.bn_dw', stride if number == 3 else 1, rate)
            y = y.relu() if block == 5 else y
            y = conv_norm(y, f'{name}.conv_pw', f'{name}.bn_pw')
            y = y.relu() if block == 5 else y
            if (block, number) == (1, 2):
                low = y
        if f'blocks.{block}.shortcut.conv.weight' in state:
            x = conv_norm(x, f'blocks.{block}.shortcut.conv', f'blocks.{block}.shortcut.bn', stride)
        x = y if block == 5 else x + y
    return low, x


def other_layout(state: dict) -> dict:
    """The same checkpoint under block1 ... block6, which stand for block1 ... block21."""
    renamed = {}
    for name, value in state.items():
        part, index, rest = name.split('.', 2)
        if part == 'stem':
            name = rest.replace('conv.', f'conv{int(index) + 1}.')
            name = name.replace('bn.', f'bn{int(index) + 1}.')
        else:
            for old, new in (('shortcut.', ''), ('stack.conv', 'sep_conv'),
                             ('conv_dw', 'block.depthwise'), ('bn_dw', 'block.bn_depth'),
                             ('conv_pw', 'block.pointwise'), ('bn_pw', 'block.bn_point')):
                rest = rest.replace(old, new)
            name = f'block{int(index) + 1}.{rest}'
        renamed[name] = value
    return renamed


@pytest.mark.parametrize('layout', [dict, other_layout])
def test_published_weights_load_and_compute_what_they_did(layout):
    state = published_state()
    names = layout(state)
    backbone = Xception65(depthwise_relu=False, **NARROW).double().eval()
    backbone.load_state_dict(names, strict=True)
    assert names.keys() == layout(state).keys()  # the checkpoint stays as it was
    x = torch.randn(1, 3, 49, 65, dtype=torch.float64)
    with torch.no_grad():
        levels = backbone(x)
    low, last = published_forward(state, x)
    torch.testing.assert_close(levels[0], low)
    torch.testing.assert_close(levels[3], last)


def test_published_weights_load_through_a_config(tmp_path):
    state = other_layout(published_state())
    torch.save({**state, 'fc.weight': torch.zeros(10, 128)}, tmp_path / 'xception.pth')
    model = MODELS.build(dict(
        type='EncoderDecoder',
        backbone=dict(type='Xception65', depthwise_relu=False, **NARROW, init_cfg=dict(
            type='Pretrained', checkpoint=str(tmp_path / 'xception.pth'))),
        decode_head=dict(type='FCNHead', in_channels=128, channels=4, num_convs=1, num_classes=2),
        test_cfg=ConfigDict(mode='whole')))
    model.init_weights()
    loaded = model.backbone.state_dict()
    torch.testing.assert_close(loaded['blocks.5.conv3.pointwise_conv.bn.running_var'],
                               state['block6.sep_conv3.block.bn_point.running_var'].float())
    # a checkpoint of one's own is not renamed
    model.load_state_dict(model.state_dict(), strict=True)


def test_the_paper_has_a_relu_more_than_the_published_code():
    backbones = [Xception65(depthwise_relu=relu, **NARROW).eval() for relu in (True, False)]
    for backbone in backbones:
        backbone.load_state_dict(published_state())
    assert [sum(isinstance(layer, torch.nn.ReLU) for layer in backbone.modules())
            for backbone in backbones] == [2 + 5 * 3 + 6, 2 + 6]
    x = torch.randn(1, 3, 33, 33)
    with torch.no_grad():
        paper, published = (backbone(x)[3] for backbone in backbones)
    assert (paper - published).abs().max() > 0.1


def test_signals_keep_their_size_at_the_start():
    """Random values neither vanish nor explode through the depthwise convolutions."""
    torch.manual_seed(0)
    backbone = Xception65(widen_factor=1 / 8, middle_units=4)
    backbone.init_weights()
    levels = backbone.train()(torch.randn(2, 3, 65, 65))
    assert all(0.3 < level.std() < 5 for level in levels)


@pytest.mark.parametrize('arguments, message', [
    (dict(output_stride=4), 'output_stride=4 is not possible: use 8, 16 or 32'),
    (dict(multi_grid=(1, 2)), r'multi_grid=\(1, 2\) does not give each of the three'),
    (dict(multi_grid=(1, 2, 0)), r'multi_grid=\(1, 2, 0\) does not'),
    (dict(out_indices=(0, 4)), r'out_indices=\(0, 4\) names levels .* use some of 0, 1, 2, 3'),
    (dict(out_indices=()), r'out_indices=\(\) names levels'),
])
def test_errors_name_the_cure(arguments, message):
    with pytest.raises(ValueError, match=message):
        Xception65(**NARROW, **arguments)
