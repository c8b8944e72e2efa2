"""RefineNet: its parts against slow oracles, its blocks against the paper."""
import pytest
import torch
import torch.nn.functional as F

from plugin.models.decode_heads import RefineNetHead
from plugin.models.layers import (
    ChainedResidualPooling,
    MultiResolutionFusion,
    RefineNetBlock,
    ResidualConvUnit,
)
from tests import reference


@pytest.mark.parametrize('number', [0, 1, 2, 4])
def test_chained_pooling_agrees_with_a_slow_one(number):
    torch.manual_seed(number)
    layer = ChainedResidualPooling(2, number=number)
    x = torch.randn(1, 2, 5, 8)
    before = x.clone()
    with torch.no_grad():
        found = layer(x)
    expected = reference.slow_chained_pooling(x[0], [conv.conv.weight.data for conv in layer.convs])
    torch.testing.assert_close(found[0], expected)
    assert torch.equal(x, before)


def test_residual_unit():
    unit = ResidualConvUnit(3)
    assert {name: tuple(value.shape) for name, value in unit.named_parameters()} == {
        'conv1.conv.weight': (3, 3, 3, 3), 'conv1.conv.bias': (3, ),
        'conv2.conv.weight': (3, 3, 3, 3)}
    x = torch.randn(2, 3, 5, 7)
    before = x.clone()
    first, second = unit.conv1.conv, unit.conv2.conv
    inner = F.relu(F.conv2d(F.relu(x), first.weight, first.bias, padding=1))
    torch.testing.assert_close(unit(x), x + F.conv2d(inner, second.weight, padding=1))
    assert torch.equal(x, before)
    torch.nn.init.zeros_(second.weight)
    assert torch.equal(unit(x), x)


@pytest.mark.parametrize('align_corners', [False, True])
def test_fusion_takes_the_narrowest_maps_and_the_finest_size(align_corners):
    layer = MultiResolutionFusion([6, 4, 5], align_corners=align_corners)
    paths = [torch.randn(1, 6, 3, 4), torch.randn(1, 4, 5, 7), torch.randn(1, 5, 2, 2)]
    found = layer(paths)
    assert found.shape == (1, 4, 5, 7) and layer.out_channels == 4
    expected = 0
    for conv, path in zip(layer.convs, paths):
        path = F.conv2d(path, conv.conv.weight, padding=1)
        expected = expected + F.interpolate(path, (5, 7), mode='bilinear',
                                            align_corners=align_corners)
    torch.testing.assert_close(found, expected)


def test_a_single_path_goes_through_the_fusion_unchanged():
    layer = MultiResolutionFusion([6])
    x = torch.randn(1, 6, 3, 4)
    assert layer([x]) is x and not list(layer.parameters())


def test_block_runs_its_parts_in_the_order_of_figure_3():
    torch.manual_seed(0)
    block = RefineNetBlock([4, 6], outputs=2)
    fine, coarse = torch.randn(1, 4, 6, 8), torch.randn(1, 6, 3, 4)
    x = block.fusion([block.adapt[0][1](block.adapt[0][0](fine)),
                      block.adapt[1][1](block.adapt[1][0](coarse))])
    x = block.output[1](block.output[0](block.pooling(x)))
    torch.testing.assert_close(block([fine, coarse]), x)


@pytest.mark.parametrize('cascade, paths', [(4, [1, 2, 2, 2]), (2, [2, 3]), (1, [4])])
def test_cascades_take_the_levels_of_figure_4(cascade, paths):
    head = RefineNetHead([4, 6, 8, 10], 4, num_classes=3, coarse_channels=8, cascade=cascade).eval()
    head.init_weights()
    assert [len(block.adapt) for block in head.blocks] == paths
    # one residual unit ends a block, two more the last one
    assert [len(block.output) for block in head.blocks] == [1] * (cascade - 1) + [3]
    # only a block that takes nothing but the coarsest level is wide
    assert [block.out_channels for block in head.blocks] == {
        4: [8, 4, 4, 4], 2: [4, 4], 1: [4]}[cascade]
    levels = [torch.randn(1, c, h, w, requires_grad=True)
              for c, h, w in ((4, 17, 23), (6, 9, 12), (8, 5, 6), (10, 3, 3))]
    logits = head(levels)
    assert logits.shape == (1, 3, 17, 23)
    logits.abs().sum().backward()
    assert all(level.grad.any() for level in levels)


def test_dropout_is_where_it_was_published():
    torch.manual_seed(0)
    head = RefineNetHead([4, 4, 4, 4], 4, num_classes=2, coarse_channels=4).train()
    seen = []
    head.dropout.register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0]))
    levels = [torch.randn(1, 4, size, size) for size in (16, 8, 4, 2)]
    head(levels)
    assert [tuple(x.shape[2:]) for x in seen] == [(4, 4), (2, 2), (16, 16)]
    assert seen[0] is levels[2] and seen[1] is levels[3]


def test_dropout_takes_single_values():
    torch.manual_seed(0)
    head = RefineNetHead([4, 4, 4, 4], 4, num_classes=2, coarse_channels=4).train()
    found = head.dropout(torch.ones(1, 4, 16, 16))
    # half of the values of every map, not half of the maps
    shares = (found == 0).float().mean((0, 2, 3))
    assert ((shares > 0.3) & (shares < 0.7)).all()
    assert found.unique().tolist() == [0, 2]
    assert RefineNetHead([4] * 4, 4, num_classes=2, dropout_ratio=0).dropout is None


def test_weights_start_as_published():
    torch.manual_seed(0)
    head = RefineNetHead([16] * 4, 16, num_classes=2, coarse_channels=16)
    head.init_weights()
    for name, value in head.named_parameters():
        if value.ndim == 4:
            # of 288 values or more
            assert abs(value.std().item() / 0.01 - 1) < 0.2, name
        else:
            assert not value.any(), name
    normed = RefineNetHead([16] * 4, 16, num_classes=2, coarse_channels=16, cascade=1,
                           norm_cfg=dict(type='BN'))
    normed.init_weights()
    # He initialisation: 2 / (9 * 16)
    deviation = normed.blocks[0].pooling.convs[0].conv.weight.std().item()
    assert abs(deviation / (2 / 144)**0.5 - 1) < 0.1


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match='cascade=3 is unknown: use 4, 2 or 1 blocks'):
        RefineNetHead([4, 4, 4, 4], 4, num_classes=2, cascade=3)
    with pytest.raises(ValueError, match=r'takes four levels, but in_channels=\[4, 4, 4\]'):
        RefineNetHead([4, 4, 4], 4, num_classes=2)
