"""Errors of counts against slow counting, and where they are not defined."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.utils.counts import count_errors, told_counts

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9)


@settings(max_examples=200, deadline=None)
@given(PAIRS)
def test_against_slow_counting(pairs):
    found, truth = zip(*pairs)
    errors = count_errors(found, truth)
    off = [one - true for one, true in pairs]
    assert errors['MAE'] == pytest.approx(sum(map(abs, off)) / len(off))
    assert errors['RMSE'] == pytest.approx((sum(one * one for one in off) / len(off)) ** 0.5)
    assert errors['bias'] == pytest.approx(sum(off) / len(off))
    assert errors['right'] == off.count(0) and errors['images'] == len(off)
    # no other number, whole or half, is nearer to these counts
    tries = [sum(abs(true - half / 2) for true in truth) / len(truth) for half in range(20)]
    assert errors['constant_MAE'] == pytest.approx(min(tries))
    assert errors['constant'] in truth
    if min(tries) == 0:
        assert errors['skill'] is None
    else:
        assert errors['skill'] == pytest.approx(1 - errors['MAE'] / min(tries))
    if sum(truth) == 0:
        assert errors['relative'] is None
    else:
        assert errors['relative'] == pytest.approx(sum(map(abs, off)) / sum(truth))


def test_a_constant_beats_a_model_that_looks_good():
    truth = [1] * 25 + [2] * 4 + [3] * 3
    found = [1] * 16 + [2] * 9 + [1] * 2 + [2] * 2 + [2] * 3
    errors = count_errors(found, truth)
    assert errors['constant'] == 1 and errors['constant_MAE'] == pytest.approx(10 / 32)
    assert errors['MAE'] == pytest.approx(14 / 32) and errors['skill'] == pytest.approx(-0.4)
    assert told_counts(errors) == ('always saying 1: 0.31, skill -0.40; 33% of the animals, bias '
                                   '+0.12; 18 of 32 images right')


def test_what_is_not_defined_is_said():
    assert told_counts(count_errors([3], [2])) == (
        'always saying 2: 0.00, no skill is defined; 50% of the animals, bias +1.00; 0 of 1 images '
        'right')
    assert told_counts(count_errors([0, 1], [0, 0])) == (
        'always saying 0: 0.00, no skill is defined; no animal is there, bias +0.50; 1 of 2 images '
        'right')
