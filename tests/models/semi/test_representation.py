"""The representation head."""
import pytest
import torch
from torch import nn

from plugin.models.semi.representation import RepresentationHead


@pytest.mark.parametrize('size', [(1, 1), (5, 7)])
def test_keeps_positions_and_gives_the_wanted_dimensions(size):
    head = RepresentationHead(12, channels=6, out_channels=10)
    assert head(torch.randn(2, 12, *size)).shape == (2, 10, *size)


def test_is_two_blocks_and_a_linear_map():
    head = RepresentationHead(3, channels=4, out_channels=5)
    kinds = [type(module) for module in head.modules() if not list(module.children())]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 2 + [nn.Conv2d]
    kernels = [module.kernel_size for module in head.modules() if isinstance(module, nn.Conv2d)]
    assert kernels == [(3, 3), (3, 3), (1, 1)]
    # no ReLU at the end: a direction may point anywhere
    assert (head(torch.randn(2, 3, 8, 8)) < 0).any()


def test_gradients_reach_every_weight():
    head = RepresentationHead(3, channels=4, out_channels=5)
    head(torch.randn(2, 3, 6, 6)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for name, parameter in head.named_parameters()
               if not name.endswith('bn.bias')) and len(list(head.parameters())) == 8


def test_the_norm_is_the_caller_s():
    norm = dict(type='GN', num_groups=2)
    head = RepresentationHead(3, channels=4, out_channels=5, norm_cfg=norm)
    assert sum(isinstance(module, nn.GroupNorm) for module in head.modules()) == 2
    assert norm == dict(type='GN', num_groups=2)
