"""Cross-entropy of hard pixels, against the steps of the published code one by one."""
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmseg.registry import MODELS

from plugin.utils import UserError


def build(**kwargs):
    return MODELS.build(dict(type='OhemCrossEntropyLoss', **kwargs))


def slow(logits, labels, thresh, min_kept):
    """Pixels of the batch by probability; all where fewer than ``min_kept`` have a label."""
    found = []
    for n in range(len(logits)):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                label = labels[n, y, x].item()
                if label != 255:
                    found.append(logits[n, :, y, x].double().softmax(0)[label].item())
    found.sort()
    if min_kept <= len(found):
        limit = max(thresh, found[min_kept - 1])
        found = [probability for probability in found if probability <= limit + 1e-9]
    return -sum(map(math.log, found)) / len(found), len(found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60), st.floats(0.05, 1), st.floats(0, 0.9))
def test_it_is_the_published_loss(seed, min_kept, thresh, unlabelled):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, 3, 4, 5, generator=generator)
    labels = torch.randint(3, (2, 4, 5), generator=generator)
    labels[torch.rand(2, 4, 5, generator=generator) < unlabelled] = 255
    labels[0, 0, 0] = 0
    expected, _ = slow(logits, labels, thresh, min_kept)
    found = build(thresh=thresh, min_kept=min_kept)(logits, labels)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_pixels_are_kept_of_the_batch_and_not_of_each_image():
    """One image is easy throughout: none of its pixels counts while the other has enough."""
    logits = torch.zeros(2, 2, 4, 4)
    logits[0, 0] = 5.
    labels = torch.zeros(2, 4, 4, dtype=torch.long)
    logits.requires_grad_()
    loss = build(thresh=0.7, min_kept=16)(logits, labels)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert not logits.grad[0].any() and logits.grad[1].all()
    with_sampler = MODELS.build(dict(type='CrossEntropyLoss', avg_non_ignore=True))(
        logits.detach(), labels, weight=(logits.detach()[:, 0] < 5).float(), ignore_index=255)
    # MMSegmentation divides by all pixels, of which half count
    assert with_sampler.item() == pytest.approx(math.log(2) / 2)


def test_weights_of_pixels_and_of_the_loss():
    logits, labels = torch.randn(1, 3, 4, 4), torch.randint(3, (1, 4, 4))
    plain = build(thresh=1., min_kept=1)(logits, labels)
    torch.testing.assert_close(plain, torch.nn.functional.cross_entropy(logits, labels))
    assert build(thresh=1., min_kept=1, loss_weight=0.4)(logits, labels).item() == \
        pytest.approx(0.4 * plain.item())
    doubled = build(thresh=1., min_kept=1)(logits, labels, weight=torch.full((1, 4, 4), 2.))
    assert doubled.item() == pytest.approx(2 * plain.item())


def test_nothing_labelled_is_no_loss():
    logits = torch.randn(1, 2, 3, 3, requires_grad=True)
    loss = build()(logits, torch.full((1, 3, 3), 255))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


@pytest.mark.parametrize('options, message', [
    (dict(thresh=0.), r'thresh=0.0 is the probability of the true class .* e.g. 0.7'),
    (dict(thresh=70), r'thresh=70 is the probability'),
    (dict(min_kept=0), r'min_kept=0 may leave no pixel to learn from: give 1 or more'),
])
def test_settings_that_make_no_sense(options, message):
    with pytest.raises(UserError, match=message):
        build(**options)
