"""Anchors, centres and negatives against slow loops."""
import numpy as np
import pytest
import torch

from plugin.models.semi import selection
from tests.helpers.small_contrast import make_case
from tests.reference_u2pl_contrast import (
    pixels_of,
    slow_anchors,
    slow_centre,
    slow_low,
    slow_negatives,
    slow_official_negatives,
    slow_rank,
)


def arrays(case):
    return {name: value.numpy() for name, value in case.items()}


def as_mask(found, labels):
    """(C, P) of lists of pixels."""
    return np.array([[pixel in set(pixels) for pixel in pixels_of(labels)]
                     for pixels in found.values()])


CASES = [dict(), dict(num_classes=2), dict(num_classes=3, num_labeled=1, num_unlabeled=0),
         dict(num_labeled=0, num_unlabeled=1), dict(num_classes=21, size=(3, 4)),
         dict(ties=True), dict(num_classes=12, size=(1, 3), ties=True)]


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('threshold', [0., 0.3, 0.6])
def test_anchors(case, threshold):
    case = make_case(**case)
    low = selection.low_mask(case['labels'], case['reliable'], case['is_labeled'],
                             case['logits'].shape[1])
    mask = selection.anchor_mask(case['logits'], case['labels'], low, threshold)
    known = arrays(case)
    del known['unreliable']
    expected = slow_anchors(**known, threshold=threshold)
    found = {c: [] for c in expected}
    for pixel in pixels_of(mask):
        if mask[pixel]:
            found[int(case['labels'][pixel])].append(pixel)
    assert found == expected
    del known['logits']
    assert low.sum() == sum(map(len, slow_low(**known, num_classes=len(expected)).values()))


@pytest.mark.parametrize('ranks', [(1, 2), (1, 3), (2, 5), (3, 20), (5, 9), (9, 14)])
@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('ours,slow', [
    (selection.negative_mask, slow_negatives),
    (selection.official_negative_mask, slow_official_negatives)])
def test_negatives(case, ranks, ours, slow):
    case = make_case(**case)
    case['candidates'] = case.pop('unreliable')
    del case['reliable']
    before = {name: value.clone() for name, value in case.items()}
    mask = ours(**case, ranks=ranks)
    assert mask.dtype == torch.bool
    assert np.array_equal(mask.numpy(), as_mask(slow(**arrays(case), ranks=ranks), case['labels']))
    assert all(torch.equal(case[name], value) for name, value in before.items())


@pytest.mark.parametrize('rank', range(1, 8))
@pytest.mark.parametrize('sifted', [0, 2, 10])
def test_sifting_and_sorting_agree_on_ranks(rank, sifted, monkeypatch):
    monkeypatch.setattr(selection, 'SIFTED', sifted)
    logits = make_case(7, ties=True)['logits']
    expected = [[slow_rank(logits[n, :, y, x].tolist(), c) < rank for c in range(7)]
                for n, y, x in pixels_of(logits[:, 0])]
    found = selection._rank_below(logits, rank).permute(0, 2, 3, 1).reshape(-1, 7)
    assert found.tolist() == expected


def test_padding_and_ignored_pixels_are_no_negatives():
    case = make_case(4)
    labels, nothing = torch.full_like(case['labels'], 255), torch.zeros_like(case['reliable'])
    mask = selection.negative_mask(case['logits'], labels, nothing, case['is_labeled'], (1, 4))
    assert not mask.any()


def test_a_pixel_by_hand():
    """Three classes, ranks 1 and 2; the second is the likeliest everywhere, then the third."""
    logits = torch.tensor([0., 2, 1])[None, :, None, None].expand(2, 3, 1, 2)
    labels = torch.tensor([[[0, 1]], [[255, 255]]])
    candidates = torch.tensor([[[True, True]], [[True, False]]])
    mask = selection.negative_mask(logits, labels, candidates, torch.tensor([True, False]), (1, 2))
    # pixel 0 is of class 0 and taken for 1; pixel 2 is unsure and is 2 at the second place
    assert mask.tolist() == [[False] * 4, [True] + [False] * 3, [False, False, True, False]]


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_sums_give_the_centres(layout, dtype):
    case = make_case(4)
    features = torch.randn(4, 6, 5, 7).to(dtype, memory_format=layout)
    sums, numbers = selection.class_sums(features, case['labels'], case['reliable'], 4)
    assert sums.dtype == torch.float32
    for c in range(4):
        pixels = [pixel for pixel in pixels_of(case['labels'])
                  if case['labels'][pixel] == c and case['reliable'][pixel]]
        assert len(pixels) == numbers[c] > 0
        np.testing.assert_allclose(sums[c] / numbers[c],
                                   slow_centre(features.float().numpy(), pixels), atol=1e-6)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_features_of_pixels(layout):
    features = torch.randn(3, 4, 2, 5).contiguous(memory_format=layout).requires_grad_()
    pixels = torch.tensor([[0, 29, 11], [7, 7, 10]])
    taken = selection.take_pixels(features, pixels)
    expected = features.permute(0, 2, 3, 1).reshape(30, 4)
    assert torch.equal(taken, expected[pixels])
    taken.sum().backward()
    counts = torch.bincount(pixels.flatten(), minlength=30).view(3, 1, 2, 5).float()
    assert torch.equal(features.grad, counts.expand(3, 4, 2, 5))


def test_probability_of_ignored_pixels_is_zero():
    logits = torch.tensor([[0., 0.], [0., np.log(3.)]]).view(1, 2, 1, 2)
    labels = torch.tensor([[[255, 1]]])
    torch.testing.assert_close(selection.class_probability(logits, labels),
                               torch.tensor([[[0., 0.75]]]))
