"""Paired differences: against SciPy's own tests, closed forms, a slow Holm, and simulated cases."""
import math

import numpy as np
import pytest
from scipy import stats

from plugin.runs.compare.statistics import (
    BETTER,
    SAME,
    WORSE,
    Paired,
    improvement,
    interval,
    judge,
    paired,
)


@pytest.mark.parametrize('n', [2, 3, 5, 12])
def test_the_paired_test_is_that_of_scipy(n):
    generator = np.random.default_rng(n)
    ours, theirs = generator.normal(50, 2, (2, n))
    found, known = paired(ours.tolist(), theirs.tolist()), stats.ttest_rel(ours, theirs)
    assert found.n == n and found.mean == pytest.approx((ours - theirs).mean())
    assert found.p == pytest.approx(known.pvalue)
    limits = known.confidence_interval(0.95)
    assert interval(found) == pytest.approx((limits.low, limits.high))


def test_two_seeds_have_a_closed_form():
    # with one degree of freedom Student's t is Cauchy's distribution
    found = paired([3., 4.], [1., 1.])
    assert found.mean / found.error == pytest.approx(5)
    assert found.p == pytest.approx(1 - 2 / math.pi * math.atan(5))
    half = math.tan(math.pi * 0.475) * 0.5
    assert interval(found) == pytest.approx((2.5 - half, 2.5 + half))
    assert judge([found])[0].word == SAME


@pytest.mark.parametrize(('values', 'n', 'mean'), [
    ([], 0, None), ([2.], 1, 1.), ([2., None], 1, 1.), ([2., 2., 2.], 3, 1.), ([1., 1.], 2, 0.)])
def test_what_has_no_spread_is_not_distinguishable(values, n, mean):
    found = paired(values, [1.] * len(values))
    assert (found.n, found.mean, found.p) == (n, mean, 1.)
    verdict = judge([found])[0]
    assert (verdict.word, verdict.low, verdict.high) == (SAME, None, None)


def test_better_and_worse():
    up, down = paired([2., 2.1, 2.2], [1., 1., 1.]), paired([0., 0.1, -0.1], [1., 1., 1.])
    assert [one.word for one in judge([up, down])] == [BETTER, WORSE]
    assert [one.word for one in judge([up, down], lower_is_better=True)] == [WORSE, BETTER]


def slow_holm(ps, alpha=0.05):
    """Which of M hypotheses are rejected, by the definition: go up until one is not."""
    rejected = set()
    for rank, p in enumerate(sorted(ps)):
        if p > alpha / (len(ps) - rank):
            break
        rejected.add(p)
    return [p in rejected for p in ps]


def test_holm_and_its_intervals_say_the_same():
    generator = np.random.default_rng(0)
    for _ in range(300):
        family = []
        for _ in range(generator.integers(1, 6)):
            shift = generator.choice([0, 0.5, 2, 5])
            family.append(paired(generator.normal(shift, 1, 4), [0.] * 4))
        verdicts = judge(family)
        assert [one.word != SAME for one in verdicts] == slow_holm([one.p for one in family])
        for verdict, found in zip(verdicts, family, strict=True):
            assert (verdict.low <= 0 <= verdict.high) == (verdict.word == SAME)
            assert verdict.low <= found.mean <= verdict.high
            assert 0.95 - 1e-9 <= verdict.level <= 1 - 0.05 / len(family) + 1e-9


def test_one_comparison_has_the_plain_interval():
    found = paired([1., 2., 4.], [0.] * 3)
    verdict = judge([found])[0]
    assert (verdict.low, verdict.high) == interval(found) and verdict.level == 0.95


@pytest.mark.parametrize(('rows', 'seeds'), [(1, 2), (1, 5), (3, 5)])
def test_a_method_against_itself_is_better_in_at_most_a_twentieth_of_the_cases(rows, seeds):
    """Equal rows that share their first one, with scores rounded as SegMetric rounds them."""
    generator = np.random.default_rng(seeds)
    cases, better, told = 2000, 0, 0
    scores = generator.normal(60, 0.8, (cases, rows + 1, seeds)).round(2)
    for first, *others in scores.tolist():
        words = {one.word for one in judge([paired(other, first) for other in others])}
        better += BETTER in words
        told += words != {SAME}
    # three standard deviations of the share itself
    assert told / cases <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / cases)
    assert better / cases <= 0.05
    assert told > 0


def test_a_clear_difference_is_told():
    generator = np.random.default_rng(7)
    found = [judge([paired(generator.normal(63, 0.8, 5), generator.normal(60, 0.8, 5))])[0].word
             for _ in range(200)]
    assert found.count(BETTER) > 180 and WORSE not in found


def test_improvement_compares_the_last_tenths():
    points = [(step, 10. if step <= 180 else 8.) for step in range(2, 201, 2)]
    assert improvement(points, 200) == pytest.approx(0.2)
    assert improvement([(step, -value) for step, value in points], 200) == pytest.approx(-0.2)
    assert improvement(points, 400) is None
    assert improvement([*points, (190, math.nan)], 200) == pytest.approx(0.2)
    assert improvement([(9, 0.), (10, 1.)], 10) is None


def test_no_row_no_verdict():
    assert judge([]) == []
    assert judge([Paired(0, None, None, 1.)])[0].word == SAME
