"""Regions to ignore are grey and hatched, and a legend names them."""
import numpy as np
import pytest

from plugin.utils import UserError
from plugin.visualization import draw_regions


def slow(image, masks, opacity=0.4, step=8, line=2):
    """The hatching pixel by pixel, without the outline."""
    canvas = image.astype(float)
    for y, x in np.argwhere(np.any(masks, axis=0)):
        on_line = (y + x) % step < line
        canvas[y, x] = 128 if on_line else (1 - opacity) * canvas[y, x] + opacity * 128
    return canvas


def test_against_a_loop_over_pixels():
    image = np.random.default_rng(0).integers(256, size=(50, 70, 3), dtype=np.uint8)
    before = image.copy()
    masks = np.zeros((2, 50, 70), bool)
    masks[0, 5:30, 10:40] = masks[1, 20:44, 30:60] = True
    drawn = draw_regions(image, masks, legend='')
    covered = masks.any(axis=0)
    # the outline lies on the border pixels of the covered area
    inner = covered.copy()
    for axis in (0, 1):
        for shift in (-1, 1):
            inner &= np.roll(covered, shift, axis)
    assert np.abs(drawn.astype(float) - slow(image, masks))[inner].max() <= 1
    assert (drawn[covered & ~inner] == 128).all(axis=1).mean() > 0.9
    assert (drawn[~covered] == image[~covered]).all() and (image == before).all()
    # however the area is divided
    assert (draw_regions(image, [covered], legend='') == drawn).all()


def test_the_legend_stands_where_there_is_a_region():
    image = np.full((60, 200, 3), 90, np.uint8)
    assert (draw_regions(image, []) == image).all()
    assert (draw_regions(image, [np.zeros((60, 200), bool)]) == image).all()
    mask = np.zeros((60, 200), bool)
    mask[2:12, 150:190] = True
    changed = (draw_regions(image, [mask]) != image).any(axis=2) & ~mask
    rows, columns = np.nonzero(changed)
    assert rows.min() > 30 and columns.max() < 130 and changed.sum() > 300


def test_a_region_that_does_not_fit():
    with pytest.raises(UserError, match=r'a region of \(4, 5\) on an image of \(8, 8\)'):
        draw_regions(np.zeros((8, 8, 3), np.uint8), [np.zeros((4, 5))])
