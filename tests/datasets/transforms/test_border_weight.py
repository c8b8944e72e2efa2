"""Weights of pixels between cells: against a slow oracle, by hand, and on their way to the loss."""
import tracemalloc

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS, TRANSFORMS

from plugin.datasets.transforms import BorderWeight, border_weight
from tests.reference import slow_border_weight


def blobs(seed, size=(17, 23), ignore=0.05):
    """A label with cells of random forms, some pixels without label."""
    rng = np.random.default_rng(seed)
    smooth = rng.random(size)
    for axis in (0, 1):
        smooth = smooth + np.roll(smooth, 1, axis)
    label = (smooth > np.quantile(smooth, 0.4)).astype(np.uint8)
    label[rng.random(size) < ignore] = 255
    return label


def pack(label, *steps, **results):
    results = dict(dict(img=np.repeat(label[..., None], 3, 2), gt_seg_map=label,
                        seg_fields=['gt_seg_map'], img_shape=label.shape), **results)
    for step in steps:
        results = TRANSFORMS.build(step)(results)
    return results


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('sigma', [0.7, 5.])
def test_equals_the_slow_oracle(seed, sigma):
    label = blobs(seed)
    before = label.copy()
    weight = border_weight(label, w0=10., sigma=sigma, class_weight=(1.5, 0.5))
    assert weight.dtype == np.float32
    np.testing.assert_allclose(
        weight, slow_border_weight(label, 10., sigma, (1.5, 0.5)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(label, before)


def test_a_gap_of_three_pixels_by_hand():
    label = np.ones((9, 15), np.uint8)
    label[:, 6:9] = 0
    weight = border_weight(label, class_weight=None)
    # all pixels of a straight gap have the same sum of distances: 1 + 3 = 2 + 2
    np.testing.assert_allclose(weight[:, 6:9], 1 + 10 * np.exp(-16 / 50), rtol=1e-6)
    assert (weight[label == 1] == 1).all()


@pytest.mark.parametrize('columns', [slice(0, 0), slice(2, 5)], ids=['no cell', 'one cell'])
def test_without_two_cells_there_is_no_border(columns):
    label = np.zeros((8, 9), np.uint8)
    label[:, columns] = 1
    assert (border_weight(label, class_weight=None) == 1).all()


def test_classes_are_balanced_without_the_pixels_that_have_no_label():
    label = np.array([[0, 1, 1, 1], [255, 1, 1, 1]], np.uint8)
    weight = border_weight(label, w0=0.)
    assert weight[0, 0] == pytest.approx(7 / 2) and weight[1, 0] == 0
    assert weight[label == 1].sum() == pytest.approx(7 / 2)
    assert (border_weight(np.full((3, 3), 255, np.uint8)) == 0).all()


def test_connectivity():
    label = np.ones((6, 6), np.uint8)
    label[np.arange(6), np.arange(6)] = 0
    assert border_weight(label, class_weight=None)[2, 2] == pytest.approx(
        1 + 10 * np.exp(-4 / 50), rel=1e-6)
    assert border_weight(label, class_weight=None, connectivity=8)[2, 2] == 1


def test_memory_does_not_grow_with_the_cells():
    def peak(period):
        label = np.ones((121, 121), np.uint8)
        label[::period] = label[:, ::period] = 0
        tracemalloc.start()
        border_weight(label)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    # 4 and 576 cells
    assert peak(5) < 1.1 * peak(60)


def test_the_map_follows_the_label_and_knows_what_lies_beside_the_crop():
    label = blobs(5, (40, 50), ignore=0.)
    whole = border_weight(label)
    np.random.seed(0)  # noqa: NPY002
    results = pack(label, dict(type='BorderWeight'), dict(type='RandomFlip', prob=1.),
                   dict(type='RandomCrop', crop_size=(16, 12)))
    assert results['seg_fields'] == ['gt_seg_map', 'gt_weight_map']
    windows = np.lib.stride_tricks.sliding_window_view(whole[:, ::-1], (16, 12))
    found = (windows == results['gt_weight_map']).all((2, 3))
    assert found.sum() == 1
    y, x = np.argwhere(found)[0]
    np.testing.assert_array_equal(label[:, ::-1][y:y + 16, x:x + 12], results['gt_seg_map'])


def test_fields_of_the_data_set_stay_as_they_are():
    fields = ['gt_seg_map']
    results = pack(blobs(0), dict(type='BorderWeight'), dict(type='BorderWeight'),
                   seg_fields=fields)
    assert fields == ['gt_seg_map']
    assert results['seg_fields'] == ['gt_seg_map', 'gt_weight_map']


def test_packed_weights_reach_the_loss():
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='EncoderDecoder', backbone=dict(type='UNetEncoder', base_channels=2, num_levels=2),
        decode_head=dict(type='UNetHead', in_channels=[2, 4], num_classes=2),
        data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=8))).eval()
    steps = [dict(type='BorderWeight'), dict(type='RandomFlip', prob=1.),
             dict(type='PackWeightedSegInputs')]
    # of different sizes: the preprocessor pads images and labels
    packed = [pack(blobs(seed, size), *steps) for seed, size in enumerate([(17, 23), (24, 20)])]
    batch = dict(inputs=[one['inputs'] for one in packed],
                 data_samples=[one['data_samples'] for one in packed])
    data = model.data_preprocessor(batch, training=True)
    assert data['inputs'].shape[2:] == (24, 24)
    loss = model.loss(**data)['decode.loss_ce']
    shares = model.decode_head(model.backbone(data['inputs'])).log_softmax(1)
    total = 0.
    for share, seed, size in zip(shares, (0, 1), [(17, 23), (24, 20)]):
        label = blobs(seed, size)[:, ::-1]
        weight = border_weight(blobs(seed, size))[:, ::-1]
        for y, x in np.argwhere(label != 255):
            total -= float(weight[y, x] * share[label[y, x], y, x])
    assert loss.item() == pytest.approx(total / (2 * 24 * 24), rel=1e-4)


def test_what_cannot_be_packed():
    step = dict(type='PackWeightedSegInputs')
    with pytest.raises(ValueError, match='there is no gt_weight_map to pack: put BorderWeight '
                       'before PackWeightedSegInputs'):
        pack(blobs(0), step)
    with pytest.raises(ValueError, match=r'gt_weight_map is \(3, 3\) and the label \(17, 23\)'):
        pack(blobs(0), step, gt_weight_map=np.ones((3, 3), np.float32))


@pytest.mark.parametrize('settings, message', [
    (dict(w0=-1.), 'w0=-1.0 and sigma=5.0 give no weights'),
    (dict(sigma=0.), 'w0=10.0 and sigma=0.0 give no weights'),
    (dict(class_weight='median'), "class_weight='median' is unknown: use 'balanced'"),
    (dict(connectivity=6), 'connectivity=6 is no neighbourhood: use 4 or 8')])
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        BorderWeight(**settings)


def test_a_class_without_weight_is_named():
    with pytest.raises(ValueError, match='class_weight has 2 numbers, but the label holds class 7'):
        border_weight(np.array([[0, 7]], np.uint8), class_weight=(1., 2.))


def test_real_membranes(shared):
    """Thin membranes between cells weigh most, organelles within a cell and cells least."""
    import cv2
    label = cv2.imread(str(shared / 'data/isbi2012/labels/0.png'), cv2.IMREAD_GRAYSCALE) // 255
    weight = border_weight(label)
    assert weight.shape == (512, 512) and np.isfinite(weight).all()
    thin = cv2.distanceTransform(1 - label, cv2.DIST_L2, 5) <= 2
    assert weight[(label == 0) & thin].mean() > 1.3 * weight[(label == 0) & ~thin].mean()
    assert weight[label == 0].min() > weight[label == 1].max()
