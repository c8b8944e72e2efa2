"""Run lengths are decoded and checked as pycocotools would write them."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco_mask

from plugin.datasets.labels.polygons import mask_to_rle, to_mask
from plugin.datasets.labels.run_lengths import check_rle, run_lengths, without
from plugin.utils import UserError

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=24))
few = settings(deadline=None, derandomize=True, max_examples=80)


def slow_runs(mask):
    """Runs of 0 and 1 in turn, down the columns."""
    runs, value = [0], False
    for pixel in mask.T.ravel().tolist():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


@few
@given(masks)
def test_runs_are_those_of_the_mask(mask):
    rle = mask_to_rle(mask)
    assert run_lengths(rle['counts']).tolist() == slow_runs(mask)
    assert run_lengths(rle['counts'].encode()).tolist() == slow_runs(mask)
    check_rle(rle, *mask.shape)
    check_rle(dict(rle, counts=slow_runs(mask)), *mask.shape)


def test_long_runs():
    counts = [123_456_789, 1, 2 ** 31, 7, 0, 3_000_000]
    rle = coco_mask.frPyObjects(dict(size=[1, sum(counts)], counts=counts), 1, sum(counts))
    assert run_lengths(rle['counts']).tolist() == counts


@few
@given(masks, st.randoms())
def test_holes_are_taken_out(mask, random):
    holes = [np.array([[random.random() < 0.3 for _ in row] for row in mask]) for _ in range(2)]
    for count in range(3):
        rest = without(mask_to_rle(mask), [mask_to_rle(hole) for hole in holes[:count]])
        expected = mask & ~np.any([np.zeros_like(mask), *holes[:count]], axis=0)
        assert np.array_equal(to_mask(rest, *mask.shape), expected)


@pytest.mark.parametrize('counts', [
    'o', 'PPo', 'P', '\x00', ' ', '~~', 'é', 'oooooooooo0', 'x1', [5, 'a'], [None], [1.5, 598.5],
    {'a': 1}, 5, [[600]], [-1, 601], [10 ** 400], 'P' * 1000, b'o'], ids=repr)
def test_damaged_runs_are_refused(counts):
    with pytest.raises(UserError, match='RLE'):
        check_rle(dict(size=[20, 30], counts=counts), 20, 30)
    with pytest.raises(UserError, match='RLE'):
        to_mask(dict(size=[20, 30], counts=counts), 20, 30)


@few
@given(st.binary(max_size=30))
def test_no_bytes_reach_pycocotools_unchecked(counts):
    try:
        check_rle(dict(size=[20, 30], counts=counts), 20, 30)
    except UserError:
        return
    assert coco_mask.area(dict(size=[20, 30], counts=counts)) <= 600
    assert to_mask(dict(size=[20, 30], counts=counts), 20, 30).max() <= 1


@pytest.mark.parametrize('size', [None, 5, 'ab', [20], [20, 30, 1], {'a': 1}, [10 ** 400, 30]])
def test_sizes_that_are_none(size):
    with pytest.raises(UserError, match='does not fit an image of height 20 and width 30'):
        check_rle(dict(size=size, counts=[600]), 20, 30)
