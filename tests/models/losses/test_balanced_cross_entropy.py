"""Cross-entropy with weights of the classes."""
import json

import pytest
import torch
from mmseg.registry import MODELS


def build(class_weight, **kwargs):
    return MODELS.build(dict(type='BalancedCrossEntropyLoss', class_weight=class_weight, **kwargs))


def slow(logits, labels, weights, pixel_weights=None):
    total = number = 0.
    for n in range(len(logits)):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                label = labels[n, y, x].item()
                if label == 255:
                    continue
                number += 1
                probability = logits[n, :, y, x].double().softmax(0)[label]
                weight = 1 if pixel_weights is None else pixel_weights[n, y, x].item()
                total -= weights[label] * weight * probability.log().item()
    return total / number


@pytest.mark.parametrize('sampled', [False, True])
def test_weighted_sum_is_averaged_over_labelled_pixels(sampled):
    logits, labels = torch.randn(2, 3, 4, 5), torch.randint(3, (2, 4, 5))
    labels[:, 0] = 255
    weights = [0.5, 2., 7.]
    pixel_weights = torch.rand(2, 4, 5) if sampled else None
    found = build(weights)(logits, labels, weight=pixel_weights, ignore_index=255)
    assert found.item() == pytest.approx(slow(logits, labels, weights, pixel_weights), rel=1e-5)
    assert build(weights, loss_weight=0.4)(logits, labels, weight=pixel_weights).item() == \
        pytest.approx(0.4 * found.item())


def test_equal_weights_are_the_plain_cross_entropy():
    logits, labels = torch.randn(2, 3, 4, 5), torch.randint(3, (2, 4, 5))
    labels[0] = 255
    plain = MODELS.build(dict(type='CrossEntropyLoss', avg_non_ignore=True))
    torch.testing.assert_close(build([1., 1., 1.])(logits, labels),
                               plain(logits, labels, ignore_index=255))


def test_a_weight_of_zero_silences_a_class():
    logits = torch.randn(1, 2, 3, 3, requires_grad=True)
    labels = torch.tensor([[[0, 1, 1], [1, 1, 1], [1, 1, 1]]])
    build([3., 0.])(logits, labels).backward()
    assert logits.grad[0, :, 0, 0].all() and not logits.grad.flatten(2)[..., 1:].any()


def test_nothing_labelled_is_no_loss():
    logits = torch.randn(1, 2, 3, 3, requires_grad=True)
    loss = build([1., 2.])(logits, torch.full((1, 3, 3), 255))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_half_precision():
    logits, labels = torch.randn(1, 2, 3, 3), torch.randint(2, (1, 3, 3))
    loss = build([1., 2.])
    exact = loss(logits, labels)
    with torch.autocast('cpu', torch.bfloat16):
        assert loss(logits.bfloat16(), labels).item() == pytest.approx(exact.item(), rel=0.02)
    assert loss(logits.bfloat16(), labels).dtype == torch.bfloat16


def test_weights_from_a_file_in_no_checkpoint(tmp_path):
    path = tmp_path / 'weights of 牛.json'
    path.write_text(json.dumps([1.5, 0.]))
    loss = build(str(path))
    assert loss.class_weight.tolist() == [1.5, 0.] and not loss.state_dict()


@pytest.mark.parametrize('weights', [[[1., 2.]], [1., -1.], [1., float('nan')]])
def test_bad_weights_are_named(weights):
    with pytest.raises(ValueError, match='is no list of weights: give one number of at least 0'):
        build(weights)


def test_wrong_number_of_weights_is_named():
    with pytest.raises(ValueError, match='class_weight has 2 numbers for 3 classes'):
        build([1., 2.])(torch.randn(1, 3, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long))
