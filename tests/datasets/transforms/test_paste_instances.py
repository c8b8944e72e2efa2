"""PasteInstances in MMDetection's data set of several images."""
import json

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.registry import DefaultScope

from plugin.datasets import SemiDataset
from plugin.datasets.transforms import PasteInstances
from tests.helpers.small_crowds import COLOURS, write_herd


@pytest.fixture(scope='module')
def herd(tmp_path_factory):
    return write_herd(tmp_path_factory.mktemp('Kühe'))


def mixed(root, classes=('red', 'green', 'blue'), **settings):
    with DefaultScope.overwrite_default_scope('mmdet'):
        return DATASETS.build(dict(
            type='MultiImageMixDataset',
            dataset=dict(
                type='CattleDataset', data_root=str(root), ann_file='test.json',
                data_prefix=dict(img='images/'), metainfo=dict(classes=classes),
                pipeline=[dict(type='LoadImageFromFile'),
                          dict(type='LoadAnnotations', with_bbox=True, with_mask=True)]),
            pipeline=[dict(type='PasteInstances', **settings), dict(type='PackDetInputs')]))


def test_masks_boxes_and_labels_are_those_of_what_is_seen(herd):
    np.random.seed(0)  # noqa: NPY002
    data = mixed(herd, number=(4, 9), sources=3, prob=1, light=0, visible=0.5)
    ignored = 0
    for index in range(3):
        item = data[index]
        sample, pixels = item['data_samples'], item['inputs'].permute(1, 2, 0).numpy()[..., ::-1]
        found, hidden = sample.gt_instances, sample.ignored_instances
        ignored += len(hidden)
        assert 1 <= len(found) <= 11
        masks = found.masks.masks
        assert (masks.sum(0) + hidden.masks.masks.sum(0)).max() == 1
        boxes = [cv2.boundingRect(mask) for mask in masks]
        assert found.bboxes.tensor.tolist() == [[x, y, x + w, y + h] for x, y, w, h in boxes]
        for mask, label in zip(masks, found.labels.tolist(), strict=True):
            colours = np.abs(pixels[mask > 0] - np.array(COLOURS[label])).max(1)
            assert (colours < 60).mean() > 0.5
    assert ignored > 0


def test_a_sample_says_what_was_outlined_before(herd):
    """Of pairs of labelled and unlabelled pictures, whose teacher is to find as many."""
    np.random.seed(4)  # noqa: NPY002
    labeled, plain = mixed(herd, number=(3, 3), prob=1, visible=0), mixed(herd, prob=0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        pairs = SemiDataset(labeled, dict(
            type='UnlabeledDataset', data_prefix=dict(img_path=str(herd / 'images')),
            pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSemiDetInputs')]))
    for index in range(len(labeled)):
        sample = pairs[index]['data_samples']
        before = plain[index]['data_samples'].gt_instances.labels.tolist()
        assert sample.outlined.tolist() == before != sample.gt_instances.labels.tolist()
    assert 'outlined' not in pairs[len(labeled)]['data_samples']


def test_prob_and_number(herd):
    np.random.seed(1)  # noqa: NPY002
    data = mixed(herd, number=(2, 2), prob=0.5, visible=0, cover=(0.01, 0.02))
    counts = [len(data[1]['data_samples'].gt_instances) for _ in range(40)]
    assert set(counts) <= {1, 2, 3} and 8 < counts.count(1) < 32
    never = mixed(herd, prob=0)
    plain = never[0]
    assert len(plain['data_samples'].gt_instances) == 2


def overlapping(root):
    """Two animals of 400 pixels each that overlap, and a region to ignore over both."""
    def square(number, left, top, side, **more):
        ring = [left, top, left + side, top, left + side, top + side, left, top + side]
        return dict(id=number, image_id=1, category_id=1, segmentation=[ring], iscrowd=0,
                    bbox=[left, top, side, side], area=side * side, **more)

    (root / 'images').mkdir()
    cv2.imwrite(str(root / 'images/1.png'), np.full((60, 80, 3), 128, np.uint8))
    region = dict(square(3, 0, 0, 50, ignore_region=1), iscrowd=1)
    (root / 'test.json').write_text(json.dumps(dict(
        images=[dict(id=1, file_name='1.png', width=80, height=60)],
        annotations=[square(1, 5, 5, 20), square(2, 10, 10, 20), region],
        categories=[dict(id=1, name='red')])))
    return root


@pytest.mark.parametrize('number', [(0, 0), (1, 1)])
def test_overlapping_outlines_and_those_in_a_region_stay(tmp_path, number):
    """A pasted speck takes its own pixels alone."""
    np.random.seed(0)  # noqa: NPY002
    data = mixed(overlapping(tmp_path), classes=('red', ), number=number, prob=1, sources=1,
                 cover=(0.004, 0.004))
    item = data[0]['data_samples']
    found, regions = item.gt_instances, item.ignored_instances
    assert len(found) == 2 + number[1] and len(regions) == 1
    areas = found.masks.masks.sum((1, 2))
    assert (areas[:2] >= 400 - 36).all() and regions.masks.masks.sum() >= 2500 - 36
    if number == (0, 0):
        assert areas.tolist() == [400, 400] and regions.masks.masks.sum() == 2500


def test_indexes_are_those_of_images(herd):
    np.random.seed(2)  # noqa: NPY002
    paste = PasteInstances(sources=2)
    drawn = {index for _ in range(200) for index in paste.get_indexes([0, 1, 2])}
    assert drawn == {0, 1, 2}


@pytest.mark.parametrize('settings, text', [
    (dict(number=(3, 1)), r'number=\(3, 1\): give the fewest'), (dict(sources=0), 'sources=0'),
    (dict(prob=1.5), 'prob=1.5 is outside 0..1'), (dict(cover=(0, 1)), r'cover=\(0, 1\): give')])
def test_settings_out_of_range(settings, text):
    with pytest.raises(ValueError, match=text):
        PasteInstances(**settings)
