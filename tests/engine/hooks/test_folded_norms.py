"""Batch norms with fixed statistics, folded into convolutions."""
import copy
from types import SimpleNamespace

import pytest
import torch
from mmcv.cnn import ConvModule
from mmdet.models import MobileNetV2
from torch import nn

from plugin.engine.hooks import FoldedNormsHook
from plugin.engine.hooks.folded_norms import fold_norms


def network(**settings):
    torch.manual_seed(0)
    model = nn.Sequential(
        ConvModule(3, 6, 3, padding=1, norm_cfg=dict(type='BN'), **settings),
        ConvModule(6, 6, 3, groups=6, bias=True, norm_cfg=dict(type='BN'), **settings)).double()
    for part in model:
        nn.init.uniform_(part.bn.weight, 0.5, 2)
        nn.init.normal_(part.bn.bias)
        nn.init.normal_(part.bn.running_mean)
        nn.init.uniform_(part.bn.running_var, 0.2, 3)
    return model


class Runs:
    """Counts the calls of batch norms."""

    def __init__(self, model):
        self.count = 0
        for part in model.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.register_forward_hook(self._add)

    def _add(self, *args):
        self.count += 1


def gradients(model):
    torch.manual_seed(1)
    x = torch.randn(2, 3, 9, 8, dtype=torch.float64, requires_grad=True)
    y = model(x)
    (y * torch.randn_like(y)).sum().backward()
    return [y, x.grad, *(value.grad for value in model.parameters())]


def check_same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings('ignore:Unnecessary conv bias')
def test_outputs_and_gradients_are_the_same_without_the_norm():
    model = network().eval()
    other = copy.deepcopy(model)
    names = list(model.state_dict())
    runs = Runs(model)
    fold_norms(model)
    check_same(gradients(model), gradients(other))
    assert runs.count == 0 and list(model.state_dict()) == names
    fold_norms(model, False)
    assert torch.equal(gradients(model)[0], gradients(other)[0]) and runs.count == 2


@pytest.mark.filterwarnings('ignore:Unnecessary conv bias')
@pytest.mark.parametrize('settings', [dict(), dict(conv_cfg=dict(type='ConvWS')),
                                      dict(conv_cfg=dict(type='Conv2dAdaptivePadding'))])
def test_what_follows_its_batches_or_does_more_than_convolve_stays(settings):
    model = network(**settings).train(not settings)
    other, runs = copy.deepcopy(model), Runs(model)
    fold_norms(model)
    found, expected = gradients(model), gradients(other)
    assert runs.count == 2
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    assert torch.equal(model[0].bn.running_mean, other[0].bn.running_mean)


@pytest.mark.filterwarnings('ignore:Unnecessary conv bias')
@pytest.mark.parametrize(('settings', 'expected'), [
    (dict(), [0, 2, 0, 2]), (dict(enabled=False), [2, 2, 2, 2])])
def test_the_hook_folds_while_it_trains_and_not_while_it_validates(settings, expected):
    model, hook = network().eval(), FoldedNormsHook(**settings)
    runner, runs, counts = SimpleNamespace(model=model), Runs(model), []
    for point in ('before_train', 'before_val', 'after_val', 'after_train'):
        getattr(hook, point)(runner)
        runs.count = 0
        gradients(model)
        counts.append(runs.count)
    assert counts == expected


def test_a_backbone_with_norm_eval_computes_no_norm():
    torch.manual_seed(0)
    model = MobileNetV2(widen_factor=0.25, out_indices=(1, ), norm_eval=True,
                        frozen_stages=0).double()
    model.train()
    other, runs = copy.deepcopy(model), Runs(model)
    fold_norms(model)
    x = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    for one in (model, other):
        one(x)[0].square().sum().backward()
    assert runs.count == 0
    seen = 0
    for (name, value), expected in zip(model.named_parameters(), other.parameters(), strict=True):
        assert (value.grad is None) == (expected.grad is None), name
        if value.grad is not None:
            torch.testing.assert_close(value.grad, expected.grad, rtol=1e-8, atol=1e-10)
            seen += 1
    assert seen > 10
