"""Losses on images without labels."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from plugin.models.semi import blocks
from plugin.models.semi.cross_entropy import cross_entropy_sum
from plugin.models.semi.losses import (
    confident_loss,
    consistency_loss,
    kept_share,
    lambda_u,
    unsupervised_loss,
)
from tests import reference_u2pl as oracle

TYPES = [torch.float32, torch.bfloat16, torch.float16]


def batch(number=2, classes=4, height=5, width=7, dtype=torch.float32, seed=0):
    """Logits that learn, labels of which some are 255, and what is valid."""
    generator = torch.Generator().manual_seed(seed)
    logits = (3 * torch.randn(number, classes, height, width, generator=generator)).to(dtype)
    labels = torch.randint(0, classes, (number, height, width), generator=generator)
    valid = torch.rand(labels.shape, generator=generator) < 0.8
    labels[~valid | (torch.rand(labels.shape, generator=generator) < 0.4)] = 255
    return logits.requires_grad_(), labels, valid


def gradient(loss, logits):
    return torch.autograd.grad(loss, logits)[0]


# ----- the sum of the cross-entropy

@pytest.mark.parametrize('dtype', TYPES)
@pytest.mark.parametrize('rows', [1, 2, 100])
def test_cross_entropy_is_that_of_torch(monkeypatch, dtype, rows):
    monkeypatch.setattr(blocks, 'BLOCK_VALUES', 4 * 7 * rows)
    logits, labels, _ = batch(dtype=dtype)
    before = logits.detach().clone(), labels.clone()
    loss = cross_entropy_sum(logits, labels)
    expected = F.cross_entropy(logits.float(), labels, ignore_index=255, reduction='sum')
    torch.testing.assert_close(loss, expected)
    # a factor comes in from outside, as that of the loss scale
    ours, theirs = gradient(3 * loss, logits), gradient(3 * expected, logits)
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs)
    assert torch.equal(logits, before[0]) and torch.equal(labels, before[1])


def test_gradient_can_be_asked_for_twice_but_not_of_itself():
    logits, labels, _ = batch()
    loss = cross_entropy_sum(logits, labels)
    first, = torch.autograd.grad(loss, logits, retain_graph=True)
    second, = torch.autograd.grad(loss, logits, create_graph=True)
    assert torch.equal(first, second)
    with pytest.raises(RuntimeError, match='does not require grad'):
        torch.autograd.grad(second.sum(), logits)


def test_another_ignored_label_and_scores_beyond_the_exponential():
    logits = torch.tensor([[-500., 500.], [0., 1e4]]).view(1, 2, 1, 2).requires_grad_()
    labels = torch.tensor([[[0, 0]]])
    loss = cross_entropy_sum(logits, labels)
    assert loss.item() == 500 + 9500
    torch.testing.assert_close(gradient(loss, logits).flatten(), torch.tensor([-1., -1., 1., 1.]))
    assert cross_entropy_sum(logits, labels, ignore_index=0) == 0


def test_autocast_leaves_the_loss_in_float32():
    logits, labels, _ = batch()
    with torch.autocast('cpu', torch.bfloat16):
        loss = cross_entropy_sum(logits, labels)
    assert loss.dtype == torch.float32 and torch.equal(loss, cross_entropy_sum(logits, labels))


def test_only_the_scores_of_a_pixel_are_kept_for_the_gradient():
    logits, labels, _ = batch(2, 21, 9, 9)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda part: kept.append(part) or part,
                                                  lambda part: part):
        cross_entropy_sum(logits, labels)
    new = [part for part in kept if part.data_ptr() not in (logits.data_ptr(), labels.data_ptr())]
    assert [part.shape for part in new] == [labels.shape]


def test_sizes_must_agree():
    with pytest.raises(ValueError, match=r'labels have the shape \(1, 4, 4\), logits have '
                                         r'\(1, 3, 2, 2\)'):
        cross_entropy_sum(torch.zeros(1, 3, 2, 2), torch.zeros(1, 4, 4, dtype=torch.int64))


# ----- equations 3 and 8

@pytest.mark.parametrize('size', [dict(), dict(number=1, classes=2, height=3, width=3)])
@pytest.mark.parametrize('dtype', TYPES)
def test_unsupervised_loss_is_that_of_the_oracle(size, dtype):
    logits, labels, valid = batch(**size, dtype=dtype)
    loss = unsupervised_loss(logits, labels, valid, eta=1.5)
    expected = oracle.unsupervised_loss(logits.detach().double(), labels.numpy(), valid, 1.5)
    assert loss.shape == () and loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert lambda_u(labels, valid).item() == pytest.approx(oracle.lambda_u(labels, valid))


def test_gradient_of_the_unsupervised_loss_has_its_closed_form():
    logits, labels, valid = batch()
    kept = labels != 255
    ours = gradient(unsupervised_loss(logits, labels, valid, eta=2.), logits)
    target = F.one_hot(labels.masked_fill(~kept, 0), 4).permute(0, 3, 1, 2)
    scale = 2 * valid.sum() / kept.sum() ** 2
    torch.testing.assert_close(ours, scale * (logits.softmax(1) - target) * kept[:, None])


def test_classes_that_nobody_has_are_pushed_down():
    logits, labels, valid = batch(classes=5)
    labels = labels.where(labels == 255, torch.zeros_like(labels))
    grad = gradient(unsupervised_loss(logits, labels, valid), logits)
    assert (grad[:, 1:] >= 0).all() and (grad[:, 0] <= 0).all() and grad.any()


@pytest.mark.parametrize('what', ['nothing reliable', 'nothing valid'])
def test_without_reliable_pixels_the_loss_is_0(what):
    logits, labels, valid = batch()
    labels = torch.full_like(labels, 255)
    valid = valid & (what != 'nothing valid')
    loss = unsupervised_loss(logits, labels, valid)
    assert loss == 0 and lambda_u(labels, valid) == 0
    assert torch.equal(gradient(loss, logits), torch.zeros_like(logits))


@pytest.mark.parametrize('align_corners', [False, True])
def test_small_logits_are_brought_to_the_size_of_the_labels(align_corners):
    logits, _, _ = batch(height=3, width=4)
    _, labels, valid = batch(height=9, width=13)
    large = F.interpolate(logits, (9, 13), mode='bilinear', align_corners=align_corners)
    for small, expected in [
        (unsupervised_loss(logits, labels, valid, align_corners=align_corners),
         oracle.unsupervised_loss(large.detach(), labels.numpy(), valid)),
        (confident_loss(logits, labels, valid.float(), valid, 0.5, align_corners=align_corners),
         oracle.confident_loss(large.detach(), labels.numpy(), valid, valid, 0.5)),
        (consistency_loss(logits, large.detach().softmax(1).roll(1, 1), valid,
                          align_corners=align_corners),
         oracle.consistency_loss(large.detach(), large.detach().softmax(1).roll(1, 1), valid)),
    ]:
        assert small.item() == pytest.approx(expected, rel=1e-5) and small > 0
        assert gradient(small, logits).any()


# ----- other methods

@pytest.mark.parametrize('dtype', TYPES)
def test_confident_loss_is_that_of_the_oracle(dtype):
    logits, labels, valid = batch(dtype=dtype)
    # labels that are not valid must not count either
    labels = labels.where(valid, torch.ones_like(labels))
    confidence = torch.rand(labels.shape, generator=torch.Generator().manual_seed(3))
    confidence[0, 0] = 0.6
    before = labels.clone()
    loss = confident_loss(logits, labels, confidence, valid, 0.6)
    expected = oracle.confident_loss(logits.detach().double(), labels.numpy(), confidence.numpy(),
                                     valid.numpy(), np.float32(0.6))
    assert loss.item() == pytest.approx(expected, rel=1e-5) and loss > 0
    assert torch.equal(labels, before)


def test_a_threshold_of_each_pixel():
    logits, labels, valid = batch()
    confidence, thresholds = torch.rand(2, *labels.shape)
    found = confident_loss(logits, labels, confidence, valid, thresholds)
    # the same as one threshold for all, of what is left of the confidence
    expected = confident_loss(logits, labels, (confidence - thresholds).double(), valid, 0.)
    torch.testing.assert_close(found, expected)
    assert 0 < found < confident_loss(logits, labels, confidence, valid, 0.)


def test_the_share_that_is_kept():
    _, labels, valid = batch()
    kept = sum(label != 255 for label in labels.flatten().tolist())
    assert kept_share(labels, valid).item() == pytest.approx(kept / valid.sum().item())
    assert kept_share(labels, valid & False).item() == kept  # no division by zero


def test_without_confident_or_valid_pixels_the_loss_is_0():
    logits, labels, valid = batch()
    unsure = confident_loss(logits, labels, torch.zeros(labels.shape), valid, 0.95)
    padding = confident_loss(logits, labels, torch.ones(labels.shape), valid & False, 0.95)
    for loss in (unsure, padding):
        assert loss == 0 and torch.equal(gradient(loss, logits), torch.zeros_like(logits))


@pytest.mark.parametrize('dtype', TYPES)
def test_consistency_is_that_of_the_oracle(dtype):
    logits, _, _ = batch(dtype=dtype)
    target = batch(seed=1)[0].detach().softmax(1)
    weight = torch.rand(2, 5, 7, generator=torch.Generator().manual_seed(2))
    loss = consistency_loss(logits, target, weight)
    expected = oracle.consistency_loss(logits.detach().double(), target, weight)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(expected, rel=1e-5)


def test_gradient_of_the_consistency_has_its_closed_form():
    logits, _, valid = batch()
    target = batch(seed=1)[0].detach().softmax(1)
    probs = logits.softmax(1)
    # through the softmax: p_c (g_c - sum_k p_k g_k) with g = 2 (p - t) / (N H W C)
    outer = 2 * (probs - target) * valid[:, None] / target.numel()
    expected = probs * (outer - (probs * outer).sum(1, keepdim=True))
    ours = gradient(consistency_loss(logits, target, valid), logits)
    torch.testing.assert_close(ours, expected)
    assert gradient(consistency_loss(logits, probs.detach(), valid), logits).abs().max() == 0


def test_weight_0_everywhere_is_a_loss_of_0():
    logits, _, valid = batch()
    loss = consistency_loss(logits, torch.full(logits.shape, 0.25), valid & False)
    assert loss == 0 and torch.equal(gradient(loss, logits), torch.zeros_like(logits))
