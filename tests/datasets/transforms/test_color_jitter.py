"""Colours change as published: all four, about the mean, in any order."""
import colorsys

import numpy as np
import pytest
from mmengine.runner.utils import set_random_seed

from plugin.datasets.transforms import ColorJitter
from plugin.utils import UserError

NONE = dict(brightness=0, contrast=0, saturation=0, hue=0)


def image(seed=0, shape=(9, 11, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def gray_of(bgr):
    """Luma of ITU-R 601, (H, W)."""
    return bgr @ np.array([0.114, 0.587, 0.299])


def changed(step, size, factor, picture, monkeypatch):
    """``picture`` after one change by a known factor."""
    monkeypatch.setattr(np.random, 'uniform', lambda low, high: factor if high > low else low)
    return ColorJitter(**{**NONE, step: size})(dict(img=picture.copy()))['img'].astype(float)


@pytest.mark.parametrize('factor', [0.5, 0.8, 1.0, 1.4])
def test_one_change_is_that_of_the_formula(factor, monkeypatch):
    picture = image()
    plain = picture.astype(float)
    grey = gray_of(plain)[..., None]
    expected = dict(brightness=factor * plain,
                    contrast=round(grey.mean()) + factor * (plain - round(grey.mean())),
                    saturation=grey + factor * (plain - grey))
    for step, value in expected.items():
        found = changed(step, 0.5, factor, picture, monkeypatch)
        # bytes are cut off, and grey values are bytes themselves
        assert np.abs(found - value.clip(0, 255)).max() < 2.1, step


@pytest.mark.parametrize('shift', [-0.25, -0.1, 0.25])
def test_the_hue_turns_by_a_share_of_the_circle(shift, monkeypatch):
    picture = image(1)
    found = changed('hue', 0.25, shift, picture, monkeypatch)
    for before, after in zip(picture.reshape(-1, 3), found.reshape(-1, 3)):
        hue, saturation, value = colorsys.rgb_to_hsv(*before[::-1] / 255)
        if saturation * value < 0.3:  # the hue of a near grey is rounding
            continue
        turned = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)
        assert np.abs(after[::-1] / 255 - turned).max() < 0.06


def test_every_change_is_applied_each_time_and_in_any_order():
    set_random_seed(0)
    jitter = ColorJitter()
    drawn = [jitter._sample() for _ in range(400)]
    for name, low, high in [('brightness', 0.5, 1.5), ('contrast', 0.5, 1.5),
                            ('saturation', 0.5, 1.5), ('hue', -0.25, 0.25)]:
        values = np.array([change.factors[name] for change in drawn])
        assert low <= values.min() < low + 0.02 and high - 0.02 < values.max() <= high
        assert abs(values.mean() - (low + high) / 2) < 0.04 * (high - low)
    assert len({tuple(change.order) for change in drawn}) == 24
    assert all(sorted(change.order) == ['brightness', 'contrast', 'hue', 'saturation']
               for change in drawn)


def test_nothing_changes_without_ranges_and_the_input_stays():
    picture = image()
    kept = picture.copy()
    results = dict(img=picture)
    assert np.array_equal(ColorJitter(**NONE)(results)['img'], kept)
    ColorJitter()(dict(img=picture))
    assert np.array_equal(picture, kept)


def test_grey_images_change_in_brightness_and_contrast():
    set_random_seed(3)
    picture = image(shape=(20, 30))
    found = ColorJitter()(dict(img=picture))['img']
    assert found.shape == (20, 30) and found.dtype == np.uint8
    assert not np.array_equal(found, picture)


@pytest.mark.parametrize('kwargs, message', [
    (dict(contrast=-1), 'contrast=-1 is no range: give 0 or more'),
    (dict(hue=0.6), 'hue=0.6 is more than half a circle: give 0 to 0.5')])
def test_impossible_ranges(kwargs, message):
    with pytest.raises(UserError, match=message):
        ColorJitter(**kwargs)
