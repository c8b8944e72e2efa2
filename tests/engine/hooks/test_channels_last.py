"""Weights with the channels last."""
import copy
from types import SimpleNamespace

import pytest
import torch
from mmcv.ops import ModulatedDeformConv2dPack, RoIAlign
from mmengine.config import Config
from torch import nn

from plugin import ops
from plugin.engine.hooks import ChannelsLastHook


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                         nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(8 * 6 * 5, 4))


def run(model, hook=True, **runner):
    runner = SimpleNamespace(model=model, cfg=Config(), **runner)
    if hook:
        ChannelsLastHook().before_run(runner)
    return runner.model


def step(model):
    """Gradients of one step, by parameter."""
    torch.manual_seed(1)
    model(torch.randn(2, 3, 12, 10)).square().sum().backward()
    return {key: parameter.grad for key, parameter in model.named_parameters()}


def test_maps_follow_the_weights_and_values_stay():
    plain, other = network(), run(network())
    maps = other[0](torch.randn(2, 3, 12, 10))
    assert maps.is_contiguous(memory_format=torch.channels_last) and not maps.is_contiguous()
    expected, found = step(plain), step(other)
    for key, gradient in expected.items():
        torch.testing.assert_close(found[key], gradient, rtol=1e-4, atol=1e-5)


def test_the_optimizer_keeps_its_parameters():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), 0.1)
    before = copy.deepcopy(model.state_dict())
    run(model)
    step(model)
    optimizer.step()
    assert all(not torch.equal(before[key], value) for key, value in model.named_parameters())


def test_checkpoints_fit_either_layout():
    plain, other = network(), run(network())
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(2)
    plain.load_state_dict(other.state_dict())
    assert all(torch.equal(value, other.state_dict()[key])
               for key, value in plain.state_dict().items())
    other.load_state_dict(network().state_dict())
    assert torch.equal(other[0].weight, network()[0].weight)
    assert other[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_what_runs_the_model_over_processes_is_made_anew():
    wrapped = nn.DataParallel(network())
    made = []

    def wrap_model(cfg, model):
        made.append((cfg, model))
        return nn.DataParallel(model)

    model = run(wrapped, wrap_model=wrap_model)
    assert made == [(None, wrapped.module)] and model is not wrapped
    assert model.module[0].weight.is_contiguous(memory_format=torch.channels_last)


class Cropped(nn.Module):
    """A convolution, and a box of its maps."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.align = RoIAlign((3, 3))

    def forward(self, x):
        return self.align(self.conv(x), torch.tensor([[0., 1., 1., 9., 7.]]))


def test_operators_of_mmcv_see_the_channels_first():
    torch.manual_seed(1)
    x = torch.randn(1, 3, 12, 10)
    expected = Cropped()(x)
    torch.testing.assert_close(run(Cropped())(x), expected)
    # this is what compiled ones would do otherwise
    bare = Cropped().to(memory_format=torch.channels_last)
    assert torch.allclose(bare(x), expected, atol=1e-3) == (ops.serving() == 'pytorch')


def test_operators_with_maps_of_their_own_are_refused():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), ModulatedDeformConv2dPack(4, 4, 3, padding=1))
    message = (r'1 is a ModulatedDeformConv2dPack of mmcv, which misreads maps with the channels '
               'last: leave ChannelsLastHook out')
    with pytest.raises(ValueError, match=message):
        run(model)
