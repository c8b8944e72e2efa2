"""Scaling by a factor of an image's own size."""
import cv2
import numpy as np
import pytest

from plugin.datasets.transforms import RandomScale
from plugin.utils import UserError


def results(height=60, width=81):
    rng = np.random.default_rng(0)
    return dict(img=rng.integers(256, size=(height, width, 3), dtype=np.uint8),
                gt_seg_map=rng.integers(21, size=(height, width), dtype=np.uint8),
                seg_fields=['gt_seg_map'], img_shape=(height, width))


@pytest.mark.parametrize('factor', [0.5, 1.3, 2.])
def test_image_by_cubic_interpolation_and_labels_by_nearest(factor):
    before = results()
    after = RandomScale((factor, factor), interpolation='bicubic')(results())
    height, width = int(factor * 60), int(factor * 81)
    np.testing.assert_array_equal(after['img'], cv2.resize(
        before['img'], (width, height), interpolation=cv2.INTER_CUBIC))
    np.testing.assert_array_equal(after['gt_seg_map'], cv2.resize(
        before['gt_seg_map'], (width, height), interpolation=cv2.INTER_NEAREST))
    assert after['img_shape'] == (height, width)


def test_factors_are_uniform_and_of_the_images_own_size():
    np.random.seed(0)  # noqa: NPY002
    scale = RandomScale((0.5, 2.))
    widths = np.array([scale(results(10, 1000))['img'].shape[1] for _ in range(200)])
    assert widths.min() >= 500 and widths.max() <= 2000
    # the middle of a uniform factor, within three standard errors
    assert abs(widths.mean() - 1250) < 3 * 1500 / 12**0.5 / 200**0.5
    assert scale(results(1, 1))['img'].shape[:2] >= (1, 1)


@pytest.mark.parametrize('ratio_range', [(2., 0.5), (0., 1.), (1., )])
def test_wrong_ranges(ratio_range):
    with pytest.raises(UserError, match='is no range of factors: give two positive numbers'):
        RandomScale(ratio_range)
