"""Images whose shorter side is brought into bounds."""
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS

from plugin.datasets.transforms import BoundShortSide


def bound(size, *bounds, **kwargs):
    rng = np.random.default_rng(0)
    label = rng.integers(0, 5, size, dtype=np.uint8)
    return BoundShortSide(*bounds, **kwargs)(dict(
        img=np.repeat(50 * label[..., None], 3, axis=2), gt_seg_map=label, img_shape=size,
        seg_fields=['gt_seg_map']))


@pytest.mark.parametrize('size, expected', [
    ((333, 500), (450, 676)),  # too low
    ((500, 281), (801, 450)),
    ((450, 500), (450, 500)), ((500, 500), (500, 500)), ((1100, 2000), (1100, 2000)),
    ((2000, 3000), (1100, 1650)),  # too high
])
def test_the_shorter_side_is_brought_into_the_bounds(size, expected):
    found = bound(size, 450, 1100)
    assert found['img'].shape[:2] == found['gt_seg_map'].shape == found['img_shape'] == expected
    # the label holds ids, not means of them
    assert set(np.unique(found['gt_seg_map'])) <= set(range(5))
    if size == expected:
        np.testing.assert_array_equal(found['img'][..., 0], 50 * found['gt_seg_map'])


def test_every_short_side_reaches_the_minimum():
    for short in range(200, 450, 9):
        for long in (short, short + 1, 499):
            image = np.zeros((short, long), np.uint8)
            assert min(BoundShortSide(450)(dict(img=image, seg_fields=[]))['img'].shape) == 450


def test_interpolation_is_that_of_resize():
    assert bound((8, 9), 16, interpolation='nearest')['img'].max() <= 200
    assert (bound((8, 9), 16, interpolation='bicubic')['img']
            != bound((8, 9), 16, interpolation='nearest')['img']).any()
    transform = TRANSFORMS.build(dict(type='BoundShortSide', minimum=450, interpolation='bicubic'))
    assert repr(transform) == "BoundShortSide(minimum=450, maximum=None, interpolation='bicubic')"


@pytest.mark.parametrize('bounds', [(0, ), (450, 449)])
def test_wrong_bounds_are_named(bounds):
    with pytest.raises(ValueError, match=f'minimum={bounds[0]} and maximum=.* are no bounds: give'):
        BoundShortSide(*bounds)
