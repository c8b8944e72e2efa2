"""The cascaded ResNet of DeepLab v3: rates, names, start, receptive field."""
import pytest
import torch
from mmseg.models.backbones import ResNet

from plugin.models.backbones import CascadedResNet

BN = dict(type='BN')
NARROW = dict(depth=18, base_channels=4, stem_channels=4, norm_cfg=BN)


def rates(backbone, blocks=(4, 5, 6, 7)):
    return [[unit.conv2.dilation[0] for unit in getattr(backbone, f'layer{block}')]
            for block in blocks]


@pytest.mark.parametrize('unit_rates, dilations, strides, expected', [
    # output stride 16: blocks 4 to 7 have 2, 4, 8, 16 (figure 3 b)
    ((1, 1, 1), (1, 1, 1, 2), (1, 2, 2, 1), [[2] * 3, [4] * 3, [8] * 3, [16] * 3]),
    ((1, 2, 1), (1, 1, 1, 2), (1, 2, 2, 1), [[2, 4, 2], [4, 8, 4], [8, 16, 8], [16, 32, 16]]),
    # output stride 8: twice as much
    ((1, 2, 1), (1, 1, 2, 4), (1, 2, 1, 1), [[4, 8, 4], [8, 16, 8], [16, 32, 16], [32, 64, 32]]),
])
def test_rates_by_hand(unit_rates, dilations, strides, expected):
    with torch.device('meta'):
        backbone = CascadedResNet(depth=50, unit_rates=unit_rates, dilations=dilations,
                                  strides=strides, norm_cfg=BN)
        levels = backbone(torch.empty(1, 3, 513, 513))
    assert rates(backbone) == expected
    # 513 pixels are 32 steps of 16 or 64 of 8, and one position more
    side = 33 if strides[2] == 2 else 65
    assert [tuple(level.shape[1:]) for level in levels[3:]] == [(2048, side, side)] * 4


@pytest.mark.parametrize('number', [0, 1, 3])
def test_number_of_cascaded_blocks(number):
    backbone = CascadedResNet(cascaded_blocks=number, unit_rates=(1, 2), **NARROW)
    assert backbone.res_layers == [f'layer{block}' for block in range(1, 5 + number)]
    assert len(backbone(torch.randn(2, 3, 33, 33))) == 4 + number


def test_new_blocks_start_as_the_identity(tmp_path):
    """Behind the weights of an ordinary ResNet, blocks 5 to 7 pass on what block 4 gives."""
    ordinary = ResNet(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), multi_grid=(2, 4),
                      zero_init_residual=False, **NARROW)
    ordinary.init_weights()
    torch.save(ordinary.state_dict(), tmp_path / 'resnet.pth')
    pretrained = dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet.pth'))
    backbone = CascadedResNet(unit_rates=(1, 2), init_cfg=pretrained, **NARROW)
    backbone.init_weights()
    ordinary.eval(), backbone.eval()
    x = torch.randn(1, 3, 65, 49)
    with torch.no_grad():
        expected, levels = ordinary(x), backbone(x)
    torch.testing.assert_close(levels[:4], expected)
    assert levels[3].any()
    for level in levels[4:]:
        torch.testing.assert_close(level, expected[3])
    # its convolutions are there to be learned
    assert all(unit.conv1.weight.std() > 0.01 for unit in backbone.layer7)

    other = CascadedResNet(unit_rates=(1, 2), zero_init_residual=False, init_cfg=pretrained,
                           **NARROW)
    other.init_weights()
    other.eval()
    with torch.no_grad():
        assert (other(x)[6] - expected[3]).abs().max() > 0.1


def test_random_start_has_zeros_at_the_end_of_each_unit():
    backbone = CascadedResNet(unit_rates=(1, 2), **NARROW)
    backbone.init_weights()
    for block in backbone.res_layers:
        assert all(not unit.norm2.weight.any() and unit.norm1.weight.all()
                   for unit in getattr(backbone, block))


def test_frozen_stages_reach_the_new_blocks():
    backbone = CascadedResNet(unit_rates=(1, 2), frozen_stages=6, **NARROW)
    backbone.train()
    learning = {name.split('.')[0] for name, parameter in backbone.named_parameters()
                if parameter.requires_grad}
    assert learning == {'layer7'}
    assert not backbone.layer6.training and backbone.layer7.training


def test_receptive_field():
    """Sum of (kernel - 1) x rate x stride before, over all layers of a chain."""
    backbone = CascadedResNet(unit_rates=(1, 2), norm_cfg=BN, depth=18, base_channels=1,
                              stem_channels=1, cascaded_blocks=2).double()
    backbone.eval()  # MMSegmentation's returns nothing
    field, reached = 1 + 6, 2
    field, reached = field + 2 * reached, 4
    for block, stride, block_rates in ((1, 1, (1, 1)), (2, 2, (1, 1)), (3, 2, (1, 1)),
                                       (4, 1, (2, 4)), (5, 1, (4, 8)), (6, 1, (8, 16))):
        for unit, rate in enumerate(block_rates):
            field += 2 * rate * reached
            reached *= stride if unit == 0 else 1
            field += 2 * reached  # the second convolution of a unit is not dilated
        assert rates_of_basic(backbone, block) == block_rates
    for parameter in backbone.parameters():
        torch.nn.init.constant_(parameter, 0.5)
    # the same window, but a gradient for each of its positions
    backbone.maxpool = torch.nn.AvgPool2d(3, 2, 1)
    x = torch.ones(1, 3, 9, 16 * (field // 16 + 4) + 1, dtype=torch.float64, requires_grad=True)
    last = backbone(x)[-1]
    last[0, :, last.shape[2] // 2, last.shape[3] // 2].sum().backward()
    assert x.grad[0].abs().sum((0, 1)).count_nonzero() == field


def rates_of_basic(backbone, block):
    return tuple(unit.conv1.dilation[0] for unit in getattr(backbone, f'layer{block}'))


@pytest.mark.parametrize('arguments, message', [
    (dict(unit_rates=(1, 2, 1)), r'unit_rates=\(1, 2, 1\) has 3 rates, but a block of ResNet-18 '
                                 'has 2 units: give each one a rate'),
    (dict(unit_rates=(1, 2), out_indices=(3, 7)), r'out_indices=\(3, 7\) .* from 0 to 6'),
    (dict(unit_rates=(1, 2), out_indices=(-1, )), r'out_indices=\(-1,\)'),
])
def test_errors_name_the_cure(arguments, message):
    with pytest.raises(ValueError, match=message):
        CascadedResNet(**NARROW, **arguments)
