"""Images of any depth, scaled by a range of the config; against NumPy's own arithmetic."""
from io import BytesIO

import cv2
import numpy as np
import pytest
import tifffile
from mmdet.registry import TRANSFORMS as DET_TRANSFORMS
from mmseg.registry import TRANSFORMS

from plugin.datasets.transforms import LoadDeepImage
from plugin.datasets.transforms.load_deep_image import read_bands
from plugin.utils import UserError

RNG = np.random.default_rng(5)


def tiff(array, **more):
    file = BytesIO()
    tifffile.imwrite(file, array, **more)
    return file.getvalue()


def stretched(array, low, high):
    return np.rint((array.astype(np.float64) - low) / (high - low) * 255).clip(0, 255)


def test_twelve_bits_fill_the_range():
    stored = RNG.integers(300, 4000, (7, 9, 3), dtype=np.uint16)
    ok, data = cv2.imencode('.png', stored[..., ::-1])
    image = LoadDeepImage(300, 3999).load(data.tobytes())
    assert ok and image.dtype == np.uint8
    np.testing.assert_array_equal(image, stretched(stored, 300, 3999)[..., ::-1])


def test_thermal_images_become_grey():
    stored = RNG.integers(29000, 31000, (6, 5), dtype=np.uint16)
    image = LoadDeepImage(29000, 31000, to_float32=True).load(tiff(stored))
    assert image.shape == (6, 5, 3) and image.dtype == np.float32
    np.testing.assert_allclose(image, np.repeat(
        (stored[..., None] - 29000.) * 255 / 2000, 3, 2), rtol=1e-5)


def test_floats_with_gaps():
    stored = RNG.random((6, 5, 3), np.float32)
    stored[0, 0] = np.nan
    expected = stretched(np.nan_to_num(stored, nan=0), 0, 1)[..., ::-1]
    # not even the pixel that is no number stops it
    np.testing.assert_array_equal(LoadDeepImage(0., 1.).load(tiff(stored, photometric='rgb')),
                                  expected)


@pytest.mark.parametrize('layout', ['contig', 'separate'])
def test_three_of_many_bands(layout):
    stored = RNG.integers(0, 200, (6, 5, 12), dtype=np.uint8)
    given = stored if layout == 'contig' else np.moveaxis(stored, -1, 0)
    data = tiff(given, photometric='minisblack', planarconfig=layout)
    image = LoadDeepImage([0, 10, 20], [100, 110, 120], bands=(11, 2, 7)).load(data)
    for channel, (band, low) in enumerate(((7, 20), (2, 10), (11, 0))):
        np.testing.assert_array_equal(image[..., channel],
                                      stretched(stored[..., band], low, low + 100))


def test_one_of_several_pages():
    stored = RNG.integers(0, 256, (3, 6, 5), dtype=np.uint8)
    data = tiff(stored, photometric='minisblack')
    np.testing.assert_array_equal(LoadDeepImage(0, 255, page=2).load(data)[..., 1], stored[2])
    np.testing.assert_array_equal(read_bands(data), stored[0])


def test_plain_images_are_what_they_were(tmp_path):
    stored = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), stored)
    results = LoadDeepImage(0, 255).transform(dict(img_path=str(tmp_path / 'a.png')))
    np.testing.assert_array_equal(results['img'], stored)
    assert results['img_shape'] == results['ori_shape'] == (6, 5)


def test_both_kinds_of_models_find_it():
    step = dict(type='LoadDeepImage', low=0, high=9)
    for registry in (TRANSFORMS, DET_TRANSFORMS):
        assert repr(registry.build(step)).startswith('LoadDeepImage(low=0.0, high=9.0, bands=(0,')


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(low=5, high=5), 'low=5 is not below high=5: give the smallest and the largest'),
    (dict(low=0, high=1, bands=(1, 2)), 'give three bands and a page, counted from 0'),
    (dict(low=0, high=1, page=-1), 'give three bands and a page, counted from 0'),
])
def test_settings_that_mean_nothing(settings, message):
    with pytest.raises(UserError, match=message):
        LoadDeepImage(**settings)


@pytest.mark.parametrize(('settings', 'content', 'message'), [
    (dict(), b'text', r'a.tif is no image that can be read'),
    (dict(bands=(0, 1, 4)), tiff(np.zeros((4, 4, 4), np.uint8), photometric='minisblack',
                                 planarconfig='contig'),
     r'a.tif has 4 bands, so that bands=\(0, 1, 4\) of LoadDeepImage do not exist'),
    (dict(page=1), tiff(np.zeros((4, 4), np.uint16)), r'a.tif has 1 pages, so that page=1 of'),
])
def test_files_that_lack_something(tmp_path, settings, content, message):
    (tmp_path / 'a.tif').write_bytes(content)
    with pytest.raises(UserError, match=message):
        LoadDeepImage(0, 1, **settings).transform(dict(img_path=str(tmp_path / 'a.tif')))
