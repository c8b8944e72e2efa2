"""Elastic deformations and mirrored borders: the image and its label stay together."""
import numpy as np
import pytest

from plugin.datasets.transforms import ElasticDeformation, MirrorBorder
from plugin.datasets.transforms.elastic_deformation import sample_nearest, source_places
from tests.reference import slow_bicubic


def results(size=(40, 52), seed=0, channels=()):
    rng = np.random.default_rng(seed)
    return dict(img=rng.integers(256, size=(*size, *channels), dtype=np.uint8),
                gt_seg_map=rng.integers(5, size=size, dtype=np.uint8), seg_fields=['gt_seg_map'],
                img_shape=size)


class Fixed(ElasticDeformation):
    """The same vectors at every point."""

    def _sample_vectors(self):
        return np.broadcast_to(np.reshape(self.vector, (2, 1, 1)), (2, 3, 3))


def fixed(vector, **kwargs):
    transform = Fixed(**kwargs)
    transform.vector = vector
    return transform


def test_places_follow_by_bicubic_interpolation():
    vectors = np.random.default_rng(0).normal(0, 10, (2, 3, 3))
    places = source_places(vectors, (11, 14))
    for axis, (found, vector) in enumerate(zip(places, vectors)):
        expected = np.array(slow_bicubic(vector, (11, 14))) + np.indices((11, 14))[axis]
        np.testing.assert_allclose(found, expected, atol=1e-4)
        # the points of the grid lie on the corners, the sides and the centre
        moved = found - np.indices((11, 14))[axis]
        np.testing.assert_allclose(moved[::5, [0, 13]], vector[:, [0, 2]], atol=1e-4)


@pytest.mark.parametrize('channels', [(), (3, )], ids=['grey', 'colour'])
@pytest.mark.parametrize('vector', [(0, 0), (3, -7), (-90, 130)])
def test_equal_vectors_shift_the_mirrored_image(vector, channels):
    given = results(channels=channels)
    original = {key: given[key].copy() for key in ('img', 'gt_seg_map')}
    found = fixed(vector)(dict(given))
    for key, values in original.items():
        sides = [(140, 140), (140, 140)] + [(0, 0)] * (values.ndim - 2)
        big = np.pad(values, sides, mode='reflect')
        (y, x), (height, width) = np.add(vector, 140), values.shape[:2]
        np.testing.assert_array_equal(found[key], big[y:y + height, x:x + width])
        # the arrays that came in are as they were
        np.testing.assert_array_equal(given[key], values)


def test_outside_can_be_without_label():
    given = results()
    found = fixed((0, 10), seg_pad_val=255)(dict(given))['gt_seg_map']
    np.testing.assert_array_equal(found[:, :42], given['gt_seg_map'][:, 10:])
    assert (found[:, 42:] == 255).all()


def test_image_and_maps_move_together():
    # an image that tells where each of its pixels comes from
    rows, columns = np.indices((60, 80))
    given = dict(img=np.stack([rows, columns], 2).astype(np.float32),
                 gt_seg_map=rows.astype(np.uint8), gt_weight_map=columns.astype(np.float32),
                 seg_fields=['gt_seg_map', 'gt_weight_map'])
    np.random.seed(0)  # noqa: NPY002
    found = ElasticDeformation(sigma=6.)(given)
    inner = slice(20, -20), slice(20, -20)
    assert np.abs(found['img'][..., 0] - rows).max() > 3
    # half a pixel of rounding, and 1/32 with which OpenCV samples
    for key, channel in (('gt_seg_map', 0), ('gt_weight_map', 1)):
        assert np.abs(found['img'][..., channel] - found[key])[inner].max() <= 0.5 + 2 / 32
    assert found['gt_weight_map'].dtype == np.float32


def test_labels_of_any_type_are_taken():
    label = np.random.default_rng(0).integers(-5, 70000, (6, 7))
    rows, columns = np.indices((6, 7)) + 0.4
    np.testing.assert_array_equal(sample_nearest(label, rows, columns), label)


def test_vectors_are_distributed_as_the_paper_says():
    np.random.seed(0)  # noqa: NPY002
    transform = ElasticDeformation()
    vectors = np.stack([transform._sample_vectors() for _ in range(500)])
    assert vectors.shape == (500, 2, 3, 3)
    assert vectors.std() == pytest.approx(10, rel=0.03) and abs(vectors.mean()) < 0.4


def test_probability():
    given = results()
    np.random.seed(0)  # noqa: NPY002
    transform = ElasticDeformation(prob=0.25)
    moved = [transform(dict(given))['img'] is not given['img'] for _ in range(400)]
    assert 0.18 < np.mean(moved) < 0.32
    assert ElasticDeformation(prob=0.)(dict(given))['img'] is given['img']


@pytest.mark.parametrize('settings, message', [
    (dict(prob=1.5), 'prob=1.5 is no probability'),
    (dict(sigma=-1.), 'sigma=-1.0 and grid=3 give no deformation'),
    (dict(grid=1), 'sigma=10.0 and grid=1 give no deformation')])
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        ElasticDeformation(**settings)


@pytest.mark.parametrize('channels', [(), (3, )], ids=['grey', 'colour'])
def test_mirrored_border(channels):
    given = results((9, 6), channels=channels)
    # more than the image has: it is mirrored again
    found = MirrorBorder(margin=8)(dict(given))
    assert found['img_shape'] == found['img'].shape[:2] == found['gt_seg_map'].shape == (25, 22)
    for key in ('img', 'gt_seg_map'):
        np.testing.assert_array_equal(found[key][8:17, 8:14], given[key])
        for across in range(22):
            source = [0, 1, 2, 3, 4, 5, 4, 3, 2, 1][(across - 8) % 10]
            np.testing.assert_array_equal(found[key][8:17, across], given[key][:, source])
    with pytest.raises(ValueError, match='margin=-1 is no border: give 0 pixels or more'):
        MirrorBorder(margin=-1)
