"""Ranks that make a pixel a negative."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.models.semi.ranks import check_ranks, default_ranks


@pytest.mark.parametrize('num_classes,ranks', [
    (2, (1, 2)), (3, (1, 3)), (8, (2, 8)), (11, (2, 11)), (19, (3, 19)), (21, (3, 20)),
    (150, (3, 20))])
def test_default_ranks_follow_the_classes(num_classes, ranks):
    assert default_ranks(num_classes) == ranks


@given(st.integers(2, 1000))
def test_default_ranks_are_accepted(num_classes):
    low, high = default_ranks(num_classes)
    assert 1 <= low < high <= num_classes
    check_ranks(low, high, num_classes)


def test_published_ranks_fit_fewer_classes_than_their_limit():
    check_ranks(3, 20, 19)


@pytest.mark.parametrize('low,high,num_classes,cure', [
    (3, 20, 2, r'ranks=\(3, 20\) hold no rank of 2 classes.*0\.\.1.*use ranks=\(1, 2\)'),
    (3, 20, 3, r'use ranks=\(1, 3\)'), (5, 5, 21, r'ranks=\(5, 5\).*use ranks=\(3, 20\)'),
    (0, 20, 21, r'ranks=\(0, 20\).*begin at 1')])
def test_an_empty_range_is_refused_with_its_cure(low, high, num_classes, cure):
    with pytest.raises(ValueError, match=cure):
        check_ranks(low, high, num_classes)


def test_one_class_cannot_be_contrasted():
    with pytest.raises(ValueError, match='1 class leaves nothing to contrast'):
        default_ranks(1)
