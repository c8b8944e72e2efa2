"""No step of the pseudo-labels asks the device for a value.

On the device ``meta`` tensors have a shape and no values: whatever would make a GPU wait for the
host, such as ``.item()``, ``nonzero`` or a mask as an index, is an error there.
"""
import pytest
import torch
from torch import nn

from plugin.models.semi import (
    PseudoLabels,
    confident_loss,
    consistency_loss,
    ema_update,
    entropy,
    lambda_u,
    masked_quantile,
    mix_images,
    predict_pseudo_labels,
    reliable_labels,
    unsupervised_loss,
)

LOGITS = torch.zeros(2, 4, 9, 7, device='meta')
VALID = torch.zeros(2, 9, 7, dtype=torch.bool, device='meta')


def pseudo_labels() -> PseudoLabels:
    return predict_pseudo_labels(LOGITS, VALID)


def test_the_device_has_no_values():
    with pytest.raises((RuntimeError, NotImplementedError)):
        VALID.sum().item()
    with pytest.raises((RuntimeError, NotImplementedError)):
        LOGITS[:, 0][VALID]


def test_thresholds():
    pseudo = pseudo_labels()
    gamma = masked_quantile(entropy(LOGITS), VALID, 0.8)
    labels = reliable_labels(pseudo, gamma)
    assert gamma.shape == () and gamma.device.type == 'meta'
    assert labels.shape == (2, 9, 7) and labels.dtype == torch.int64
    assert lambda_u(labels, VALID).shape == ()


@pytest.mark.parametrize('kind', ['cutmix', 'cutout', 'classmix'])
@pytest.mark.parametrize('number', [1, 2])
def test_mixing(kind, number):
    images = torch.zeros(number, 3, 9, 7, device='meta')
    pseudo = PseudoLabels(*(part[:number] for part in pseudo_labels()))
    mixed, labels = mix_images(kind, images, pseudo)
    assert mixed.shape == images.shape and mixed.device.type == 'meta'
    assert [part.shape for part in labels] == [part.shape for part in pseudo]


def test_losses():
    pseudo = pseudo_labels()
    small = torch.zeros(2, 4, 5, 4, device='meta', requires_grad=True)
    losses = [unsupervised_loss(small, pseudo.labels, VALID),
              confident_loss(small, pseudo.labels, pseudo.confidence, VALID, 0.95),
              consistency_loss(small, LOGITS.softmax(1), VALID)]
    sum(losses).backward()
    assert small.grad.shape == small.shape


def test_moving_average():
    teacher, student = (nn.BatchNorm2d(3, device='meta') for _ in range(2))
    ema_update(teacher, student, 0.99)
    assert teacher.weight.device.type == 'meta'
