"""Polygons, masks and run lengths tell the same."""
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from plugin.datasets.labels.polygons import (
    crop_to_rle,
    has_holes,
    mask_to_polygons,
    mask_to_rle,
    readable,
    to_mask,
    to_rle,
)

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=24))
few = settings(deadline=None, derandomize=True, max_examples=60)


def block(*slices, shape=(20, 30)):
    """A mask of blocks."""
    mask = np.zeros(shape, np.uint8)
    for rows, columns in slices:
        mask[rows, columns] = 1
    return mask


def test_every_form_is_the_same_mask():
    truth = block((slice(3, 9), slice(4, 14)), (slice(12, 15), slice(20, 25)))
    polygons = [[4, 3, 14, 3, 14, 9, 4, 9], [20, 12, 25, 12, 25, 15, 20, 15]]
    code = coco_mask.encode(np.asfortranarray(truth))
    counts = np.diff(np.flatnonzero(np.diff(truth.ravel(order='F'), prepend=0, append=2)))
    counts = [int(np.argmax(truth.ravel(order='F'))), *counts.tolist()]
    size = [20, 30]
    for segmentation in (polygons, code, dict(size=size, counts=code['counts'].decode()),
                         dict(size=size, counts=counts), mask_to_rle(truth)):
        mask = to_mask(segmentation, 20, 30)
        assert mask.dtype == np.uint8 and np.array_equal(mask, truth)
        assert coco_mask.area(to_rle(segmentation, 20, 30)) == 75
    assert isinstance(mask_to_rle(truth)['counts'], str)
    assert readable(code) == mask_to_rle(truth)


@pytest.mark.parametrize('segmentation,words', [
    ([], 'the segmentation is empty: draw the outline'),
    ([[1, 2, 3, 4]], 'a polygon of 4 numbers is no outline: give x and y of at least 3 points'),
    ([[1, 2, 3, 4, 5, 6, 7]], 'a polygon of 7 numbers'),
    ([[1, 2, 3, 4, 5e9, 6]], 'the coordinate 5000000000.0, which is no place near'),
    ([[1, 2, 3, float('nan'), 5, 6]], 'no place near an image of 30x20'),
    (dict(size=[30, 20], counts='abc'), r'size \[30, 20\] does not fit an image of height 20'),
    (dict(size=[20, 30], counts=''), 'an RLE without counts is no outline'),
    (dict(size=[20, 30], counts=[5, 5]), 'make 10 pixels, but the image has 600'),
    (dict(size=[20, 30], counts=[-5, 605]), 'write the labels anew'),
])
def test_what_is_no_outline(segmentation, words):
    with pytest.raises(ValueError, match=words):
        to_rle(segmentation, 20, 30)


@few
@given(masks)
def test_outlines_fill_exactly_the_mask(mask):
    height, width = mask.shape
    rings = mask_to_polygons(mask)
    image, filled = Image.new('L', (width, height)), np.zeros((height, width), np.uint8)
    coco = np.zeros((height, width), np.uint8)
    for ring in rings:
        points = np.reshape(ring, (-1, 2))
        ImageDraw.Draw(image).polygon([tuple(point) for point in points], 1, 1)
        cv2.fillPoly(filled, [points.astype(np.int32)], 1)
        coco |= to_mask([ring], height, width)
    for drawn in (np.array(image), filled, coco):
        assert np.array_equal(drawn, mask)
    count = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] - 1
    assert (len(rings) > count) == has_holes(mask)


def test_a_single_pixel_has_an_outline():
    assert np.array_equal(to_mask(mask_to_polygons(block((3, 4))), 20, 30), block((3, 4)))


def test_small_parts_are_left_out_and_small_holes_filled():
    mask = block((slice(2, 14), slice(2, 14)), (slice(16, 18), slice(20, 22)))
    mask[4, 4] = 0
    mask[8:12, 6:12] = 0
    rings = mask_to_polygons(mask, smallest=5)
    expected = mask.copy()
    expected[16:18, 20:22] = 0
    expected[4, 4] = 1
    assert np.array_equal(to_mask(rings, 20, 30), expected)


def test_nothing_has_no_outline():
    empty = block()
    assert mask_to_polygons(empty) == [] and not has_holes(empty)
    assert coco_mask.area(mask_to_rle(empty)) == 0


@pytest.mark.parametrize('left,top', [(0, 0), (5, 7), (-3, -2), (26, 17), (-50, 3), (80, 90),
                                      (10 ** 30, -10 ** 30)])
def test_crop_lands_where_it_was(left, top):
    crop = np.random.default_rng(0).integers(0, 2, (6, 8))
    rle, lost = crop_to_rle(crop, left, top, 20, 30)
    truth = block()
    for row, column in np.argwhere(crop).tolist():
        if 0 <= top + row < 20 and 0 <= left + column < 30:
            truth[top + row, left + column] = 1
    assert np.array_equal(to_mask(rle, 20, 30), truth)
    assert lost == crop.sum() - truth.sum()
