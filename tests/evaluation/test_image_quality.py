"""Animals of one image, matched with their truth."""
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from plugin.evaluation import encode_masks, match_instances
from tests.reference import slow_quality


def squares(*corners, side=10):
    masks = np.zeros((len(corners), 60, 60), bool)
    for mask, (x, y) in zip(masks, corners, strict=True):
        mask[y:y + side, x:x + side] = True
    return encode_masks(masks)


def match(truth, predictions, truth_labels=None, labels=None, crowds=()):
    return match_instances(
        truth, np.zeros(len(truth), int) if truth_labels is None else np.array(truth_labels),
        predictions, np.zeros(len(predictions), int) if labels is None else np.array(labels),
        crowds)


def test_closed_forms():
    two = squares((0, 0), (30, 30))
    assert match(two, two[::-1]).quality == 1
    assert match(two, two[::-1]).partner.tolist() == [1, 0]
    assert match([], []).quality == 1
    assert match(two, []).quality == match([], two).quality == 0
    # one of two is found with an IoU of 2/3, and one prediction is wrong
    found = match(two, squares((2, 0), (45, 0)))
    assert found.partner.tolist() == [0, -1]
    assert found.quality == pytest.approx((80 / 120) / (1 + 0.5 + 0.5))


def test_other_classes_are_no_pairs():
    one = squares((0, 0))
    assert match(one, one, [1], [0]).partner.tolist() == [-1]
    assert match(one, one, [1], [0]).quality == 0


def test_what_lies_in_a_crowd_is_not_wrong():
    crowd = squares((30, 30), side=20)
    one = squares((0, 0))
    assert match(one, [*one, *squares((35, 35))], crowds=crowd).quality == 1
    assert match([], squares((24, 30)), crowds=crowd).quality == 0  # 4 of 10 columns are inside
    assert match([], squares((35, 35)), crowds=crowd).quality == 1


@pytest.mark.parametrize('seed', range(12))
def test_against_trying_every_way(seed):
    rng = np.random.default_rng(seed)
    truth = squares(*rng.integers(0, 14, (5, 2)), side=30)
    predictions = squares(*rng.integers(0, 14, (4, 2)), side=30)
    ious = coco_mask.iou(predictions, truth, [0] * 5).tolist()
    assert match(truth, predictions).quality == pytest.approx(slow_quality(ious))


def test_many_predictions():
    many = squares(*[(x % 50, x // 50 * 10) for x in range(300)])
    found = match(many, many)
    assert found.quality == 1 and sorted(found.partner) == list(range(300))
