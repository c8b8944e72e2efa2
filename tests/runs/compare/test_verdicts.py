"""Which row is compared with which, and which rows are judged together."""
import math

import numpy as np
import pytest

from plugin.runs.compare.statistics import BETTER, SAME, WORSE, interval, judge, paired
from plugin.runs.compare.verdicts import UNTOLD, differences_of, reference_of
from plugin.runs.kfold.scores import summarise


def row(config, values, network='', average=None, judged=True, averaged=None, failed=()):
    return dict(title=f'{config} {network}'.strip(), config=config, network=network,
                average=average, averaged=network not in ('', 'student')
                if averaged is None else averaged, judged=judged,
                failed=dict.fromkeys(failed, 'nan'), last_val=summarise(values))


def table(seeds=4, rise=0., generator=None):
    """A supervised config, its two averages, and two methods with teacher and student."""
    draw = generator or np.random.default_rng(0)
    scores = [draw.normal(60, 0.8, seeds).round(2).tolist() for _ in range(7)]
    slow = [value + rise for value in scores[4]]
    return [row('sup', scores[0]), row('sup', scores[1], 'average 0.99', judged=False),
            row('sup', scores[2], 'average 0.9', judged=False),
            row('mt', scores[3], 'teacher', 'average 0.99'),
            row('mt', scores[5], 'student', 'average 0.99', judged=False),
            row('u2', slow, 'teacher', 'average 0.9'),
            row('u2', scores[6], 'student', 'average 0.9', judged=False)]


def test_an_average_is_compared_with_the_average_of_the_reference():
    rows = table()
    assert [reference_of(one, rows)['title'] for one in rows[1:]] == [
        'sup', 'sup', 'sup average 0.99', 'sup', 'sup average 0.9', 'sup']
    found = differences_of(rows, 'last_val', False)
    assert found[0] is None
    assert [one['reference'] for one in found[1:]] == [
        'sup', 'sup', 'sup average 0.99', 'sup', 'sup average 0.9', 'sup']
    for one, ours, theirs in zip(found[1:], rows[1:], (0, 0, 1, 0, 2, 0), strict=True):
        assert one['mean'] == pytest.approx(
            ours['last_val']['mean'] - rows[theirs]['last_val']['mean'])


@pytest.mark.parametrize('rows, expected', [
    # no average of the reference was kept, or another one
    ([row('sup', [1.]), row('mt', [2.], 'teacher', 'average 0.9')], 'sup'),
    ([row('sup', [1.]), row('mt', [2.], 'teacher', 'average 0.9'),
      row('sup', [1.], 'average 0.99')], 'sup'),
    # the average of another supervised training than the reference is none of the reference
    ([row('sup', [1.]), row('mt', [2.], 'teacher', 'average 0.9'),
      row('mt_supervised', [1.], 'average 0.9')], 'sup'),
    # the reference is averaged itself
    ([row('u2', [1.], 'teacher', 'average 0.9'), row('mt', [2.], 'teacher', 'average 0.9'),
      row('u2', [1.], 'average 0.9')], 'u2 teacher'),
    # an averaged network without a teacher
    ([row('sup', [1.]), row('um', [2.], '', 'average 0.9', averaged=True),
      row('sup', [1.], 'average 0.9')], 'sup average 0.9')])
def test_what_an_average_is_compared_with_otherwise(rows, expected):
    assert reference_of(rows[1], rows)['title'] == expected


def test_students_and_twins_are_not_in_the_family():
    rows = table()
    found = differences_of(rows, 'last_val', False)
    family = [paired(rows[ours]['last_val']['values'], rows[theirs]['last_val']['values'])
              for ours, theirs in ((3, 1), (5, 2))]
    told = {one['reference']: one for one in found[1:] if one['verdict'] is not None}
    assert list(told) == ['sup average 0.99', 'sup average 0.9']
    for one, verdict in zip(told.values(), judge(family), strict=True):
        assert (one['verdict'], one['low'], one['high'], one['level']) == tuple(verdict)
        assert one['level'] <= 0.975
    # the plain interval is there for all
    for one in found[1:]:
        pair = paired([one['mean']], [0.])._replace(n=one['n'], error=one['error'])
        assert (one['plain_low'], one['plain_high']) == pytest.approx(interval(pair))


def test_a_reference_that_is_averaged_is_judged_by_its_twin():
    first = row('mt', [2., 2.1, 2.2], 'teacher', 'average 0.9')
    rows = [first, row('mt', [1., 1., 1.], 'student', 'average 0.9', judged=False),
            row('mt_supervised', [1., 1., 1.], judged=False),
            row('mt_supervised', [1., 1., 1.], 'average 0.9', judged=False),
            row('mt_supervised', [1., 1., 1.], 'average 0.99', judged=False)]
    assert [one['verdict'] for one in differences_of(rows, 'last_val', False)[1:]] == [
        None, None, WORSE, None]


def test_four_seeds_can_tell_a_gain_of_five_standard_errors():
    """With all seven rows as one family, no gain below 9 standard errors was told."""
    difference = [0.6, 1., 1.4, 1.]  # five standard errors and more of their mean
    pair = paired(difference, [0.] * 4)
    assert 5 < pair.mean / pair.error < 7
    rows = table()
    rows[5]['last_val'] = summarise([own + more for own, more in zip(
        rows[2]['last_val']['values'], difference)])
    rows[3]['last_val'] = rows[1]['last_val']
    found = differences_of(rows, 'last_val', False)
    assert found[5]['verdict'] == BETTER
    assert judge([pair, *[paired([0.] * 4, [0.] * 4)] * 5])[0].word == SAME


@pytest.mark.parametrize('own, other, shift, word', [
    ((), (), 9, BETTER), ((), (), -9, WORSE), (('3', ), (), 9, UNTOLD), (('3', ), (), -9, WORSE),
    ((), ('3', ), 9, BETTER), ((), ('3', ), -9, UNTOLD), (('3', ), ('3', ), 0, SAME)])
def test_seeds_that_failed_do_not_make_a_row_better(own, other, shift, word):
    def scores(failed, shift):
        return [None if str(seed) in failed else 60 + shift + 0.1 * seed * (-1)**seed * bool(shift)
                for seed in range(5)]

    rows = [row('a', scores(other, 0), failed=other), row('b', scores(own, shift), failed=own)]
    found = differences_of(rows, 'last_val', False)[1]
    assert (found['verdict'], found['n']) == (word, 5 - bool(own or other))
    # of errors less is better
    turned = differences_of(rows, 'last_val', True)[1]['verdict']
    swapped = {BETTER: WORSE, WORSE: BETTER, SAME: SAME}
    if not own and not other:
        assert turned == swapped[word]


@pytest.mark.parametrize('seeds', [2, 4])
def test_methods_that_add_nothing_are_told_apart_in_a_twentieth_of_the_tables(seeds):
    """Averages share their reference with each other, and scores are rounded to two digits."""
    generator = np.random.default_rng(seeds)
    cases, told = 700, 0
    for _ in range(cases):
        found = differences_of(table(seeds, generator=generator), 'last_val', False)
        told += any(one and one['verdict'] in (BETTER, WORSE) for one in found)
    assert 0 < told / cases <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / cases)
