"""Intervals of counts: against a search over all counts, closed forms, and drawn counts."""
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from plugin.evaluation import (
    CountCalibration,
    CountIntervals,
    best_count_threshold,
    cross_coverage,
)

COUNTS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=9, max_size=30)


def slow_interval(pairs, count, level):
    """All counts that are no stranger than the k-th of the validation, one by one."""
    def strangeness(found, true):
        missed = Fraction(1, 2) if true > found else 0
        return (abs(true - found) - missed) ** 2 / Fraction(found + 1)

    scores = sorted(strangeness(found, true) for found, true in pairs)
    k = math.ceil(Fraction(len(pairs) + 1) * level / 100)
    inside = [true for true in range(200) if strangeness(count, true) <= scores[k - 1]]
    return inside[0], inside[-1]


@settings(max_examples=150, deadline=None)
@given(COUNTS, st.integers(0, 20), st.sampled_from([50, 80, 90]))
def test_an_image_against_a_search(pairs, count, level):
    found, truth = zip(*pairs)
    assert CountIntervals(found, truth, level).of(count) == slow_interval(pairs, count, level)


@pytest.mark.parametrize('level, least', [(90, 9), (80, 4), (95, 19), (50, 1)])
def test_too_few_images_have_no_interval(level, least):
    few = CountIntervals([1] * (least - 1), [1] * (least - 1), level)
    assert few.of(3) is None and few.total([3, 4]) is None
    assert few.reason == (f'val has {least - 1} image{"s" * (least != 2)}: too few for a {level}% '
                          f'interval, which takes {least}')
    enough = CountIntervals([1] * least, [1] * least, level)
    assert enough.reason == '' and enough.of(3) == (3, 3)


def test_the_lowest_count_is_no_negative_one():
    intervals = CountIntervals([5] * 10, [1] * 10)
    assert intervals.of(1)[0] == 0 and intervals.of(0)[0] == 0
    assert intervals.total([0, 0, 1]) == (0, 0)


def test_the_total_of_equal_scales_is_the_prediction_interval_of_a_sum():
    truth = [3, 4, 5, 4, 4, 6, 2, 4, 5, 4, 4]
    intervals = CountIntervals([4] * 11, truth)
    off = np.array(truth) - 4
    variance = (1 + ((off - off.mean()) ** 2).sum()) / 10
    reach = stats.t.ppf(0.95, 10) * math.sqrt(variance * (7 + 7 ** 2 / 11))
    middle = 28 + 7 * off.mean()
    assert intervals.total([4] * 7) == (math.ceil(middle - reach), math.floor(middle + reach))
    assert intervals.total([]) is None
    assert intervals.total([4]) == intervals.of(4)


def test_right_counts_do_not_make_a_model_infallible():
    intervals = CountIntervals(list(range(20)), list(range(20)))
    assert intervals.of(7) == (7, 7)
    low, high = intervals.total([7] * 200)
    assert low < 1400 < high and high - low < 200


def draw(rng, kind, number):
    """Counts of a model in images, and the true ones."""
    if kind == 'few':
        truth = 1 + rng.poisson(0.5, number)
        off = rng.choice([0, 1, -1, 2, -2], number, p=[.66, .13, .13, .05, .03])
        return np.maximum(0, truth + off), truth
    truth = rng.integers(5, 50, number)
    missing = 0.93 if kind == 'crowds' else 0.8
    return rng.binomial(truth, missing) + rng.poisson(0.06 * truth), truth


@pytest.mark.parametrize('kind', ['few', 'crowds', 'missing'])
@pytest.mark.parametrize('images', [1, 5, 60])
def test_coverage_of_totals_in_a_simulation(kind, images):
    rng = np.random.default_rng([7, images])
    inside = 0
    for _ in range(800):
        intervals = CountIntervals(*draw(rng, kind, 30))
        found, truth = draw(rng, kind, images)
        low, high = intervals.total(found.tolist())
        inside += low <= truth.sum() <= high
    # 0.9, and three deviations of 800 draws; whole counts of one image may lie inside more often
    assert 0.868 <= inside / 800 <= (0.97 if images == 1 else 0.932)


def calibration(rng, number):
    """Scores of animals that are there, and of some that are not."""
    scores, truth = [], []
    for _ in range(number):
        true = int(rng.integers(1, 12))
        hits = rng.beta(5, 2, true)
        ghosts = rng.beta(2, 5, rng.poisson(3))
        scores.append(np.concatenate([hits, ghosts]))
        truth.append(true)
    return CountCalibration(scores, truth)


def test_the_threshold_is_chosen_without_the_image_it_counts():
    own = calibration(np.random.default_rng(0), 47)
    expected = [0] * 47
    for part in range(20):
        others = [place for place in range(47) if place % 20 != part]
        threshold, _ = best_count_threshold([own.scores[place] for place in others],
                                            [own.truth[place] for place in others])
        for place in range(part, 47, 20):
            expected[place] = int((own.scores[place] >= threshold).sum())
    assert own.held_out() == expected
    best, _ = best_count_threshold(own.scores, own.truth)
    assert own.intervals(best, best).found == expected
    assert own.intervals(best + 0.004, best).found == expected
    assert own.intervals(0.9, best).found == own.found(0.9) == own.intervals(0.9).found


def test_images_outside_the_validation_lie_inside_as_often_as_said():
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(30):
        own, new = calibration(rng, 40), calibration(rng, 40)
        best, _ = best_count_threshold(own.scores, own.truth)
        inside += own.intervals(best, best).holds(new.found(best), new.truth)
    assert 0.87 <= np.mean(inside) <= 0.95


def test_folds_calibrate_each_other():
    rng = np.random.default_rng(5)
    folds = [calibration(rng, 25) for _ in range(4)]
    inside = cross_coverage(folds)
    assert len(inside) == 100 and 85 <= sum(inside) <= 95
    # of the last fold, by hand
    scores = [one for fold in folds[:3] for one in fold.scores]
    truth = [one for fold in folds[:3] for one in fold.truth]
    threshold, _ = best_count_threshold(scores, truth)
    intervals = CountIntervals(CountCalibration(scores, truth).held_out(), truth)
    assert inside[75:] == intervals.holds(folds[3].found(threshold), folds[3].truth)
    assert cross_coverage(folds[:1]) == []
    assert cross_coverage([calibration(rng, 4), calibration(rng, 4)]) == []


def test_a_checkpoint_keeps_it():
    own = calibration(np.random.default_rng(1), 12)
    own.scores[4] = np.zeros(0)
    for kept in (own, CountCalibration([np.zeros(0)], [2])):
        hub = dict(message_hub=dict(runtime_info=dict(count_calibration=kept.as_dict())))
        again = CountCalibration.of_checkpoint(hub)
        assert again.truth == kept.truth
        for one, other in zip(again.scores, kept.scores, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.parametrize('change', [
    dict(truth=torch.tensor([1])), dict(numbers=torch.tensor([1, 1])), dict(scores=None),
    dict(truth=torch.tensor([1, -1])), dict(numbers=torch.tensor([-1, 4])),
    dict(truth=torch.zeros(0), numbers=torch.zeros(0, dtype=torch.int64))])
def test_what_is_damaged_is_not_used(change):
    good = CountCalibration([np.array([0.5]), np.array([0.5, 0.7])], [1, 2]).as_dict()
    for kept in ({**good, **change}, None, 'text', [1]):
        hub = dict(message_hub=dict(runtime_info=dict(count_calibration=kept)))
        assert CountCalibration.of_checkpoint(hub) is None
    assert CountCalibration.of_checkpoint({}) is None
