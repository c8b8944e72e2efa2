"""Shares of boxes in regions against counting pixels."""
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.structures.mask import BitmapMasks, PolygonMasks

from plugin.models.assigners import covered_shares, region_boxes, region_map

HEIGHT, WIDTH = 12, 17
sides = st.floats(-9, 29, width=32)


def slow_share(regions, box):
    """The pixels of a box one after the other; its corners are rounded to even, as by PyTorch."""
    left, top, right, bottom = (int(value) for value in np.round(box))
    inside = [bool(regions[y, x]) for y in range(top, bottom) for x in range(left, right)
              if 0 <= y < HEIGHT and 0 <= x < WIDTH]
    return sum(inside) / len(inside) if inside else 0.0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2 ** 32 - 1), st.lists(st.tuples(sides, sides, sides, sides), max_size=8))
def test_shares_are_those_of_counted_pixels(seed, boxes):
    regions = np.random.default_rng(seed).integers(2, size=(HEIGHT, WIDTH)).astype(np.uint8)
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    found = covered_shares(torch.from_numpy(regions), torch.from_numpy(boxes))
    assert found.tolist() == pytest.approx([slow_share(regions, box) for box in boxes])


def test_sums_of_large_images_are_exact():
    # 20 million pixels: float32 cannot count them
    regions = torch.ones(4000, 5000, dtype=torch.uint8)
    regions[3999, 4999] = 0
    boxes = torch.tensor([[4998., 3998., 5000., 4000.], [0., 0., 5000., 3999.]])
    assert covered_shares(regions, boxes).tolist() == [0.75, 1.0]


def test_a_map_does_not_depend_on_the_pieces():
    masks = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    masks[0, 2:8, 3:6] = masks[1, 2:8, 5:9] = masks[2, 4:5, 3:9] = 1
    whole = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    whole[0, 2:8, 3:9] = 1
    one, other = (region_map(BitmapMasks(list(found), HEIGHT, WIDTH)) for found in (masks, whole))
    assert (one == other).all() and one.dtype == np.uint8
    polygon = PolygonMasks([[np.array([3., 2., 9., 2., 9., 8., 3., 8.])]], HEIGHT, WIDTH)
    assert (region_map(polygon) == other).all()


def test_boxes_of_connected_areas():
    regions = np.zeros((HEIGHT, WIDTH), np.uint8)
    regions[1:3, 2:6] = regions[3:5, 6:8] = regions[9:12, 14:17] = 1
    # the first two touch at a corner
    assert sorted(region_boxes(regions).tolist()) == [[2, 1, 8, 5], [14, 9, 17, 12]]
    assert region_boxes(np.zeros((3, 3), np.uint8)).shape == (0, 4)
