"""The checks of whole data sets, and of the heads of a model."""
import random

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmseg.registry import MODELS
from torch import nn
from torch.utils.data import Subset

from plugin.datasets.doctor.preflight import check_dataset, check_heads, file_entries, fingerprint
from plugin.datasets.leaves import leaf_datasets
from tests.helpers.small_sets import CLASSES, LOADERS, build, error_of, make_pairs, write_label


@pytest.fixture
def folder(tmp_path):
    return make_pairs(tmp_path)


def test_good_data_passes_and_tells_its_classes(folder):
    assert check_dataset(build(folder)) == [0, 1, 2]
    for i in range(7):
        write_label(folder, i, [255, 2])
    assert check_dataset(build(folder)) == [0, 2]


def test_all_files_of_the_first_kind_are_counted(folder):
    for i in range(1, 7):
        write_label(folder, i, [3])
    (folder / 'images/5.png').write_bytes(b'')
    message = error_of(build(folder))
    assert message.startswith('class id 3 in labels/1.png is outside 0..2')
    assert message.endswith(' (5 such files: labels/1.png, labels/2.png, labels/3.png, '
                            'labels/4.png, labels/6.png)')
    (folder / 'images/5.png').write_bytes((folder / 'images/3.png').read_bytes())
    assert error_of(build(folder)).endswith(
        ' (6 such files: labels/1.png, labels/2.png, labels/3.png, labels/4.png, labels/5.png, '
        '...)')


def test_a_limit_looks_at_a_part_spread_over_the_set(folder):
    dataset = build(folder)
    assert [entry.image[-5] for entry in file_entries(dataset, 3)] == ['0', '3', '6']
    assert len(file_entries(dataset, 99)) == 7
    write_label(folder, 1, [9])
    assert check_dataset(dataset, limit=3) == [0, 1, 2]
    assert error_of(dataset, limit=7).startswith('class id 9 in labels/1.png')


def test_images_without_labels_are_checked_too(folder):
    dataset = build(folder, data_prefix=dict(img_path='images'))
    assert check_dataset(dataset) is None
    (folder / 'images/0.jpg').write_bytes(b'no')
    assert error_of(dataset).startswith('images/0.jpg is no image')


def test_files_of_another_loader_are_left_alone(folder):
    (folder / 'images/0.jpg').write_bytes(b'no')
    assert check_dataset(build(folder, pipeline=LOADERS[1:])) == [0, 1, 2]


def test_a_stock_data_set_is_checked_as_well(folder):
    write_label(folder, 2, [7])
    stock = build(folder, type='BaseSegDataset')
    assert error_of(stock).startswith('class id 7 in labels/2.png')


def test_the_check_draws_no_random_numbers(folder):
    dataset = build(folder, pipeline=[*LOADERS, dict(type='RandomFlip', prob=0.5)])
    before = (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
    check_dataset(dataset)
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


def test_wrappers_are_looked_into(folder):
    one, two = build(folder), build(folder, type='BaseSegDataset')
    assert [*leaf_datasets(ConcatDataset([one, two], ignore_keys=['palette']))] == [one, two]
    assert [*leaf_datasets(Subset(RepeatDataset(one, times=3), [0, 8]))] == [one]
    assert [*leaf_datasets(object())] == []


def test_the_fingerprint_follows_files_and_settings(folder):
    mark = fingerprint(build(folder))
    assert mark == fingerprint(build(folder))
    assert mark != fingerprint(build(folder, reduce_zero_label=True))
    assert mark != fingerprint(build(folder, metainfo=dict(classes=CLASSES[:2])))
    with (folder / 'labels/3.png').open('ab') as file:
        file.write(b'x')
    assert mark != fingerprint(build(folder))


def head(num_classes, **kwargs):
    return MODELS.build(dict(type='FCNHead', in_channels=4, channels=4, num_convs=1,
                             num_classes=num_classes, **kwargs))


def test_heads_must_have_as_many_classes_as_the_data():
    model = nn.Module()
    model.decode_head = head(3)
    model.auxiliary_head = nn.ModuleList([head(3), head(19)])
    with pytest.raises(ValueError) as error:
        check_heads(model, CLASSES, 'the training set')
    assert str(error.value) == (
        'auxiliary_head.1 has num_classes=19, but the training set has 3 classes (ground, fence, '
        'cow): set num_classes=3 in auxiliary_head.1 of the model, or correct classes of the data')
    model.auxiliary_head = head(3)
    check_heads(model, CLASSES, 'the training set')
    check_heads(head(2, out_channels=1, threshold=0.5), CLASSES[:2], 'a binary set')


@pytest.mark.parametrize('type, name, kwargs', [
    ('VOCSegDataset', 'voc_mini', dict(
        ann_file='ImageSets/Segmentation/trainval.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'))),
    ('CamVidDataset', 'camvid', dict(
        data_prefix=dict(img_path='images/val', seg_map_path='labels/val'))),
])
def test_real_data_is_sound(shared, type, name, kwargs):
    dataset = build(shared / 'data' / name, type=type, metainfo=None, **kwargs)
    assert check_dataset(dataset) == list(range(len(dataset.metainfo['classes'])))


def test_real_masks_of_21_classes_against_20(shared):
    classes = tuple(f'class {i}' for i in range(20))
    dataset = build(shared / 'data/voc_mini', metainfo=dict(classes=classes),
                    ann_file='ImageSets/Segmentation/train.txt',
                    data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'))
    message = error_of(dataset)
    assert 'class id 20 in SegmentationClass/20' in message
    assert 'is outside 0..19 (ignore 255); did you mean reduce_zero_label=True?' in message
