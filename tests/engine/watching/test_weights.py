"""Weights that are not finite."""
import pytest
import torch
from torch import nn

from plugin.engine.watching.weights import not_finite


@pytest.mark.parametrize('wrong', [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize('name', ['0.weight', '1.bias', '1.running_mean', '1.running_var'])
@pytest.mark.parametrize('kind', [torch.float32, torch.float16])
def test_one_number_is_found(wrong, name, kind):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(kind)
    assert not_finite(model.state_dict()) is None
    model.state_dict()[name].view(-1)[-1] = wrong
    assert not_finite(model.state_dict()) == name


def test_large_numbers_and_integers_are_finite():
    assert not_finite(dict(a=torch.full((4, ), 3e38), n=torch.tensor(7))) is None
    assert not_finite({}) is None
    assert not_finite(dict(n=torch.tensor(7), text='x')) is None
