"""Suppression on masks, against pixels counted one by one."""
import numpy as np
import pytest
import torch

from plugin.models.postprocess import mask_nms
from plugin.models.postprocess.mask_suppression import shared_pixels
from tests.helpers.small_instances import ellipse


def make(seed, number=14, labels=2):
    rng = np.random.default_rng(seed)
    masks = np.stack([ellipse(rng, 40, 50, 18) for _ in range(number)])
    # some lie on others as duplicates do
    for place in range(0, number - 1, 3):
        masks[place + 1] = np.roll(masks[place], rng.integers(0, 4, 2), (0, 1))
    return (torch.from_numpy(masks).bool(), torch.from_numpy(rng.random(number).round(1)),
            torch.from_numpy(rng.integers(0, labels, number)))


def slow_nms(masks, scores, labels, iou, inside):
    sets = [{*map(tuple, mask.nonzero().tolist())} for mask in masks]
    order = sorted(range(len(sets)), key=lambda place: -scores[place])
    kept = []
    for place in order:
        alike = not sets[place] or any(
            labels[place] == labels[other]
            and (len(sets[place] & sets[other]) / len(sets[place] | sets[other]) > iou
                 or inside is not None
                 and len(sets[place] & sets[other]) / len(sets[place]) > inside)
            for other in kept)
        if not alike:
            kept.append(place)
    return [place in kept for place in range(len(sets))]


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize('iou, inside', [(0.5, None), (0.3, 0.7), (1, 0.4)])
def test_against_sets_of_pixels(seed, iou, inside):
    masks, scores, labels = make(seed)
    masks[3] = False
    scores = scores + torch.arange(len(scores)) * 1e-4  # no two are equal
    assert mask_nms(masks, scores, labels, iou=iou, inside=inside).tolist() == slow_nms(
        masks, scores.tolist(), labels.tolist(), iou, inside)


def test_shared_pixels_in_pieces(monkeypatch):
    masks = make(1)[0]
    flat = masks.flatten(1).double()
    assert (shared_pixels(masks) == flat @ flat.T).all()
    monkeypatch.setattr('plugin.models.postprocess.mask_suppression.CELLS', 100)
    assert (shared_pixels(masks) == flat @ flat.T).all()
    assert shared_pixels(masks[:0]).shape == (0, 0)


def scene(*boxes):
    masks = torch.zeros(len(boxes), 20, 40, dtype=torch.bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    return masks


ONE, TWO, BOTH = (0, 0, 10, 10), (10, 0, 20, 10), (0, 0, 20, 10)
THREE, ALL = (20, 0, 30, 10), (0, 0, 30, 10)


@pytest.mark.parametrize('boxes, scores, kept', [
    ((BOTH, ONE, TWO), (0.9, 0.9, 0.82), [1, 2]),
    # one animal, and a part of it
    ((BOTH, ONE), (0.9, 0.9), [0]),
    # parts that nobody is sure of
    ((BOTH, ONE, TWO), (0.9, 0.9, 0.8), [0]),
    # twice the same part is no second animal
    ((BOTH, ONE, (0, 0, 9, 10)), (0.9, 0.9, 0.9), [0]),
    # two small ones do not fill it
    ((BOTH, (0, 0, 5, 10), (12, 0, 17, 10)), (0.9, 0.9, 0.9), [0]),
    # three in one, and what lies over two of them is lost, too
    ((ALL, ONE, TWO, THREE, BOTH), (0.9, 0.9, 0.9, 0.85, 0.9), [1, 2, 3]),
])
def test_a_merged_outline_loses_against_the_animals(boxes, scores, kept):
    found = mask_nms(scene(*boxes), torch.tensor(scores), torch.zeros(len(boxes)), iou=0.4,
                     inside=0.8, merged=0.8)
    assert found.nonzero()[:, 0].tolist() == kept


@pytest.mark.parametrize('whole, halves, counted', [
    (0.95, (0.48, 0.48), 1),  # one animal, and two halves that nobody would count
    (0.95, (0.95, 0.9), 2), (0.95, (0.95, 0.5), 1), (0.7, (0.9, 0.85), 2)])
def test_what_counts_above_a_threshold(whole, halves, counted):
    """A right count of 1 does not become 0."""
    scores = torch.tensor([whole, *halves])
    kept = mask_nms(scene(BOTH, ONE, TWO), scores, torch.zeros(3), inside=0.7, merged=0.8)
    assert int((scores[kept] >= 0.8).sum()) == counted


def test_parts_of_another_class_are_no_parts():
    masks, scores = scene(BOTH, ONE, TWO), torch.tensor([0.9, 0.9, 0.85])
    labels = torch.tensor([0, 1, 1])
    assert mask_nms(masks, scores, labels, iou=0.4, merged=0.8).tolist() == [True] * 3
    assert mask_nms(masks, scores, labels, iou=0.4, merged=0.8,
                    class_agnostic=True).tolist() == [False, True, True]


@pytest.mark.parametrize('settings, text', [
    (dict(iou=1.2), 'mask_nms.iou=1.2 is outside 0..1: give a share'),
    (dict(merged=0.3), 'mask_nms.merged=0.3 is outside 0.5..1: give a share')])
def test_shares_out_of_range(settings, text):
    with pytest.raises(ValueError, match=text):
        mask_nms(*make(0), **settings)


def test_nothing_is_nothing():
    masks, scores, labels = make(0)
    assert mask_nms(masks[:0], scores[:0], labels[:0], merged=0.8).shape == (0, )
