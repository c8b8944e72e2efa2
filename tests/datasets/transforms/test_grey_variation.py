"""Random curves of grey values: their points, their slopes, and what they leave alone."""
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS

from plugin.datasets.transforms import GreyVariation

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def vary(seed, image=RAMP, **kwargs):
    np.random.seed(seed)  # noqa: NPY002 -- transforms draw from the global state
    return GreyVariation(**kwargs)(dict(img=image.copy()))['img']


def points(seed):
    """The points that a transform draws after it has decided to vary."""
    np.random.seed(seed)  # noqa: NPY002
    transform = GreyVariation()
    transform._sample()
    return np.array(transform._sample_points())


def test_points_stay_in_their_ranges_and_fill_them():
    drawn = np.array([points(seed) for seed in range(400)])
    assert (abs(drawn[:, 0]) <= 0.05).all() and (abs(drawn[:, 4] - 1) <= 0.05).all()
    slopes = np.diff(drawn, axis=1) / 0.25
    assert slopes.min() >= 0.8 - 1e-9 and slopes.max() <= 1.2 + 1e-9
    # also towards the ends of the ranges
    assert np.ptp(drawn[:, 0]) > 0.095 and np.ptp(drawn[:, 4]) > 0.095
    assert slopes.min() < 0.81 and slopes.max() > 1.19
    # the middle is as often above the straight line as below
    assert abs(np.mean(drawn[:, 2] > drawn[:, [0, 4]].mean(1)) - 0.5) < 0.1


def test_the_curve_goes_through_its_points_and_never_falls():
    for seed in range(30):
        # of bytes the quarters are no whole numbers: floats see the curve itself
        image = np.array([[0, 63.75, 127.5, 191.25, 255]], np.float32)
        bytes_, expected = vary(seed).ravel().astype(int), 255 * np.clip(points(seed), 0, 1)
        np.testing.assert_allclose(vary(seed, image)[0], expected, atol=0.02)
        assert (np.diff(bytes_) >= 0).all()
        assert abs(bytes_[[0, 255]] - expected[[0, 4]]).max() <= 0.5


def test_bytes_and_floats_agree_and_channels_follow_one_curve():
    floats = vary(3, RAMP.astype(np.float32))
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(np.rint(floats), vary(3))
    colour = vary(3, np.stack([RAMP, RAMP.T, RAMP], -1))
    np.testing.assert_array_equal(colour[..., 0], vary(3))
    np.testing.assert_array_equal(colour[..., 1], vary(3).T)


def test_only_the_image_is_varied_and_only_with_the_probability():
    given = dict(img=RAMP.copy(), gt_seg_map=RAMP.copy(), seg_fields=['gt_seg_map'])
    found = TRANSFORMS.build(dict(type='GreyVariation'))(given)
    assert (found['gt_seg_map'] == RAMP).all() and (found['img'] != RAMP).any()
    np.testing.assert_array_equal(vary(0, prob=0), RAMP)
    changed = [(vary(seed, prob=0.5) != RAMP).any() for seed in range(200)]
    assert abs(np.mean(changed) - 0.5) < 0.1
    # a curve of slope 1 from 0 to 1 changes nothing
    straight = dict(black=(0, 0), white=(1, 1), slope=(1, 1))
    np.testing.assert_array_equal(vary(0, **straight), RAMP)


@pytest.mark.parametrize('settings, message', [
    (dict(prob=2), 'prob=2 is no probability: give a number from 0 to 1'),
    (dict(black=(0.1, 0)), r'black=\(0.1, 0\) is no range: give two numbers, the smaller one'),
    (dict(slope=(0.8, )), r'slope=\(0.8,\) is no range'),
    (dict(slope=(0.95, 1.2)), r'slope=\(0.95, 1.2\) does not lead from black=\(-0.05, 0.05\) to '
     r'white=\(0.95, 1.05\): it must be above 0 and hold 0.9..1.1'),
])
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        GreyVariation(**settings)
    assert repr(GreyVariation()) == (
        'GreyVariation(prob=1.0, black=(-0.05, 0.05), white=(0.95, 1.05), slope=(0.8, 1.2))')
