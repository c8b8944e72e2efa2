"""Focal losses, against their formula; the compiled operators exist for GPUs only."""
import mmcv.ops
import pytest
import torch
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

from tests import reference_ops


def draw() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 4, generator=generator, dtype=torch.float64) * 4
    return logits.requires_grad_(), torch.tensor([0, 3, 1, 2, 2, 0, 3])


def both(loss, expected, logits, rtol=0.0):
    """Check values and gradients."""
    torch.testing.assert_close(loss, expected, rtol=rtol, atol=1e-7)
    grads = [torch.autograd.grad(value.sum(), logits, retain_graph=True)[0]
             for value in (loss, expected)]
    torch.testing.assert_close(*grads, rtol=rtol, atol=1e-7)


@pytest.mark.parametrize('gamma, alpha', [(2.0, 0.25), (0.5, 0.7), (1.0, 0.5)])
def test_sigmoid(stand_in, gamma, alpha):
    logits, target = draw()
    target[1] = 4  # background
    expected = reference_ops.sigmoid_focal_loss(logits, target.tolist(), gamma, alpha)
    both(mmcv.ops.sigmoid_focal_loss(logits, target, gamma, alpha, None, 'none'), expected, logits)
    both(mmcv.ops.sigmoid_focal_loss(logits, target, gamma, alpha), expected.sum() / 7, logits)


def test_sigmoid_weights(stand_in):
    logits, target = draw()
    target[1] = 4
    weight = torch.tensor([1.0, 2, 3, 4], dtype=torch.float64)
    expected = reference_ops.sigmoid_focal_loss(logits, target.tolist(), 2.0, 0.25)
    expected = expected * torch.tensor([1.0, 1, 2, 3, 3, 1, 4])[:, None]
    both(mmcv.ops.sigmoid_focal_loss(logits, target, 2.0, 0.25, weight, 'sum'), expected.sum(),
         logits)


def test_sigmoid_equals_that_of_mmdetection(stand_in):
    logits, target = draw()
    logits = logits.detach().float().requires_grad_()
    hot = torch.nn.functional.one_hot(target, 5)[:, :4].float()
    both(mmcv.ops.sigmoid_focal_loss(logits, target, 2.0, 0.25, None, 'sum'),
         py_sigmoid_focal_loss(logits, hot, reduction='sum'), logits, rtol=2e-4)


@pytest.mark.parametrize('gamma, alpha', [(2.0, 0.25), (1.5, 0.7), (1.0, 0.5)])
def test_softmax(stand_in, gamma, alpha):
    logits, target = draw()
    weight = torch.tensor([1.0, 2, 3, 4], dtype=torch.float64)
    expected = reference_ops.softmax_focal_loss(logits, target.tolist(), gamma, alpha)
    values = mmcv.ops.softmax_focal_loss(logits, target, gamma, alpha, None, 'none')
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-7)
    both(mmcv.ops.softmax_focal_loss(logits, target, gamma, alpha), expected.mean(), logits)
    both(mmcv.ops.softmax_focal_loss(logits, target, gamma, alpha, weight, 'sum'),
         (expected * weight[target]).sum(), logits)


def test_softmax_of_no_class_costs_nothing(stand_in):
    logits, target = draw()
    target[3] = -1
    loss = mmcv.ops.softmax_focal_loss(logits, target, 2.0, 0.25, None, 'none')
    assert loss[3] == 0 and (loss[[0, 1, 2, 4, 5, 6]] > 0).all()
    total = mmcv.ops.softmax_focal_loss(logits, target, 2.0, 0.25, None, 'sum')
    assert not torch.autograd.grad(total, logits)[0][3].any()


@pytest.mark.parametrize('loss', ['sigmoid', 'softmax'])
def test_certain_logits_are_finite(stand_in, loss):
    logits = torch.tensor([[500.0, -500.0], [-500.0, 500.0]], requires_grad=True)
    function = getattr(mmcv.ops, f'{loss}_focal_loss')
    for target in (torch.tensor([0, 1]), torch.tensor([1, 0])):
        value = function(logits, target)
        assert value.isfinite()
        assert torch.autograd.grad(value, logits)[0].isfinite().all()


def test_half_precision(stand_in):
    logits, target = draw()
    half = logits.detach().half()
    result = mmcv.ops.sigmoid_focal_loss(half, target, 2.0, 0.25, None, 'none')
    assert result.dtype == torch.float16
    expected = mmcv.ops.sigmoid_focal_loss(half.float(), target, 2.0, 0.25, None, 'none')
    assert torch.equal(result, expected.half())
