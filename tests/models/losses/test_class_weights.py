"""Weights that balance the classes."""
import numpy as np
import pytest
from mmseg.registry import DATASETS
from PIL import Image

from plugin.datasets.doctor.class_counts import count_classes
from plugin.models.losses.class_weights import class_weights
from tests import reference


def test_median_frequency_by_hand():
    # 100 pixels each; class 0 on 60 + 80 of 200, class 1 on 30 of 100, class 2 on 10 of 100
    pixels = np.array([[60, 30, 0, 0], [80, 0, 10, 0]])
    weights = class_weights(pixels, np.array([100, 100]))
    np.testing.assert_allclose(weights, [0.3 / 0.7, 0.3 / 0.3, 0.3 / 0.1, 0])


def test_inverse_frequency_by_hand():
    pixels = np.array([[60, 30, 0, 0], [80, 0, 10, 0]])
    weights = class_weights(pixels, np.array([100, 100]), 'inverse')
    np.testing.assert_allclose(weights, [180 / 3 / 140, 180 / 3 / 30, 180 / 3 / 10, 0])
    # a pixel weighs 1 on average
    assert (weights * pixels.sum(0)).sum() == pytest.approx(180)


@pytest.mark.parametrize('seed', range(6))
def test_median_agrees_with_a_slow_one(seed):
    rng = np.random.default_rng(seed)
    # some classes in some images only, the last nowhere, images of several sizes
    labels = [np.where(rng.random(size) < 0.2, 255, rng.choice(rng.permutation(6)[:3], size))
              for size in ((3, 4), (5, 2), (1, 1), (6, 6), (4, 3))]
    pixels = np.stack([np.bincount(label.ravel(), minlength=256)[:7] for label in labels])
    sizes = np.array([label.size for label in labels])
    np.testing.assert_allclose(class_weights(pixels, sizes),
                               reference.slow_median_weights([x.tolist() for x in labels], 7))


def test_errors():
    with pytest.raises(ValueError, match="mode='mean' is unknown: use 'median' or 'inverse'"):
        class_weights(np.ones((1, 2), int), np.array([2]), 'mean')
    with pytest.raises(ValueError, match='no image shows any of the classes'):
        class_weights(np.zeros((3, 2), int), np.array([4, 4, 4]))


@pytest.fixture
def farm(tmp_path):
    """Two images of classes 0 and 1, in a folder with spaces."""
    root = tmp_path / 'Stall Süd 牛'
    for name, label in (('a', [[0, 0, 1], [255, 1, 1]]), ('b c', [[0, 0], [0, 0]])):
        for folder in ('images', 'labels'):
            path = root / folder / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.array(label, np.uint8)).save(path)
    return root


def folder_set(root, classes=('ground', 'cow', 'cat'), **kwargs):
    return DATASETS.build(dict(
        type='SegFolderDataset', data_root=str(root), metainfo=dict(classes=classes),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        pipeline=[dict(type='LoadAnnotations')], **kwargs))


def test_counts_are_those_of_the_pipeline(farm):
    pixels, sizes = count_classes(folder_set(farm), 2)
    assert pixels.tolist() == [[2, 3, 0], [4, 0, 0]] and sizes.tolist() == [6, 4]
    # ids counted from 1, and 0 no class
    pixels, sizes = count_classes(folder_set(farm, ('cow', ), reduce_zero_label=True), 1)
    assert pixels.tolist() == [[3], [0]] and sizes.tolist() == [6, 4]


def test_ids_that_are_no_class_are_named(farm):
    with pytest.raises(ValueError, match=r'value 1 in labels/a\.png is none of the 1 classes: '
                       'complete the classes, or set pixels of no class to 255'):
        count_classes(folder_set(farm, ('ground', )), 1)


def test_sets_without_labels_are_named(farm):
    images = DATASETS.build(dict(type='UnlabeledDataset', data_root=str(farm),
                                   data_prefix=dict(img_path='images')))
    with pytest.raises(ValueError, match='the training set has no label maps'):
        count_classes(images, 1)


def test_camvid_has_the_weights_of_the_config(root, shared, monkeypatch):
    from mmengine.config import Config
    monkeypatch.setenv('CAMVID_ROOT', str(shared / 'data/camvid'))
    cfg = Config.fromfile(root / 'configs/segnet-basic_camvid-360x480.py')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    weights = class_weights(*count_classes(dataset, 2))
    np.testing.assert_allclose(cfg.model.decode_head.loss_decode.class_weight, weights, rtol=1e-3)
