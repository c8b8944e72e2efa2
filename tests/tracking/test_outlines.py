"""Cut masks share as many pixels as whole ones do."""
import json

import numpy as np

from plugin.models.postprocess import Detection
from plugin.tracking.outlines import Outline, outlines_of, shared_pixels


def test_shared_pixels_are_those_of_whole_masks():
    rng = np.random.default_rng(0)
    for _ in range(200):
        one, other = np.zeros((2, 14, 17), bool)
        for mask in (one, other):
            top, left = rng.integers(0, 10, 2)
            mask[top:top + rng.integers(2, 9), left:left + rng.integers(2, 9)] = True
            mask &= rng.random(mask.shape) < 0.7
            mask[top, left] = True
        by = tuple(int(value) for value in rng.integers(-20, 21, 2))
        moved = np.zeros_like(one)
        for row, column in np.argwhere(one):
            if 0 <= row + by[1] < 14 and 0 <= column + by[0] < 17:
                moved[row + by[1], column + by[0]] = True
        expected = int((moved & other).sum()), int(moved.sum())
        assert shared_pixels(Outline.of_mask(one), by, Outline.of_mask(other)) == expected


def test_an_outline_is_the_mask_and_its_state_too():
    mask = np.zeros((9, 12), bool)
    mask[2:5, 3:8] = True
    mask[4, 7] = False
    outline = Outline.of_mask(mask)
    assert outline.box == (3, 2, 5, 3) and outline.area == 14
    rows, columns = np.nonzero(mask)
    np.testing.assert_allclose(outline.centroid, (columns.mean(), rows.mean()))
    again = Outline.of_state(json.loads(json.dumps(outline.state())))
    for one in (outline, again):
        np.testing.assert_array_equal(one.whole(), mask)


def test_crops_of_a_detector_are_taken_and_what_is_empty_is_none():
    masks = np.zeros((2, 8, 8), bool)
    masks[0, 1:4, 2:6] = True
    assert [one and one.box for one in outlines_of(masks)] == [(2, 1, 4, 3), None]
    crop = Detection.from_mask(0, 0.9, masks[0])

    class Instance:
        left, top, mask, height, width = crop.left, crop.top, crop.mask, 8, 8

    np.testing.assert_array_equal(outlines_of([Instance()])[0].whole(), masks[0])
