"""The head of DPT against its published steps, written one after the other."""
import pytest
import torch
import torch.nn.functional as F

from plugin.models.decode_heads import DPTSegHead
from plugin.utils import UserError


def build(**kwargs):
    torch.manual_seed(0)
    return DPTSegHead(in_channels=[6, 6, 6, 6], channels=5, pyramid_channels=(3, 4, 6, 7),
                      num_classes=3, **kwargs).eval()


def unit(x, weights, name):
    y = F.conv2d(x.relu(), weights[f'{name}.conv1.weight'], weights[f'{name}.conv1.bias'],
                 padding=1)
    y = F.conv2d(y.relu(), weights[f'{name}.conv2.weight'], weights[f'{name}.conv2.bias'],
                 padding=1)
    return x + y


def enlarged(x, size, align):
    return F.interpolate(x, size, mode='bilinear', align_corners=align)


def slow(weights, levels, align=True):
    """The published order: project, resize, lateral, then fuse from level 4 to level 1."""
    def conv(x, name, **kwargs):
        return F.conv2d(x, weights[f'{name}.weight'], weights.get(f'{name}.bias'), **kwargs)

    maps = [conv(level, f'projects.{index}') for index, level in enumerate(levels)]
    for index, factor in ((0, 4), (1, 2)):
        name = f'resize_layers.{index}'
        maps[index] = F.conv_transpose2d(maps[index], weights[f'{name}.weight'],
                                         weights[f'{name}.bias'], stride=factor)
    maps[3] = conv(maps[3], 'resize_layers.3', stride=2, padding=1)
    one, two, three, four = (conv(x, f'laterals.{index}', padding=1)
                             for index, x in enumerate(maps))
    path = unit(four, weights, 'fusions.3.sum_unit')
    path = conv(enlarged(path, three.shape[2:], align), 'fusions.3.out_conv')
    for index, level, size in ((2, three, two.shape[2:]), (1, two, one.shape[2:]),
                               (0, one, [2 * side for side in one.shape[2:]])):
        path = path + unit(level, weights, f'fusions.{index}.level_unit')
        path = unit(path, weights, f'fusions.{index}.sum_unit')
        path = conv(enlarged(path, size, align), f'fusions.{index}.out_conv')
    return conv(conv(path, 'output_conv', padding=1).relu(), 'conv_seg')


@pytest.mark.parametrize('align', [True, False])
@pytest.mark.parametrize('size', [(4, 4), (5, 3), (1, 1)])
def test_logits_are_those_of_the_published_steps(size, align):
    head = build(align_corners=align)
    levels = [torch.randn(2, 6, *size) for _ in range(4)]
    with torch.no_grad():
        found = head(levels)
    assert found.shape == (2, 3, 8 * size[0], 8 * size[1])
    torch.testing.assert_close(found, slow(head.state_dict(), levels, align))


def test_every_weight_gets_a_gradient():
    head = build()
    head([torch.randn(1, 6, 4, 4) for _ in range(4)]).sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_it_needs_four_levels():
    with pytest.raises(UserError, match=r'in_channels=\(6, 6\).*DPT needs four of each'):
        DPTSegHead(in_channels=[6, 6], num_classes=2)
