"""Folds of the labelled images of a config."""
import json

import numpy as np
import pytest
from PIL import Image

from plugin.datasets.splits.balanced_parts import assign_named
from plugin.datasets.splits.coco_split import join_labels
from plugin.datasets.splits.folds import divide, fold_content, join_parts, own_folds, read_part
from tests.helpers import small_coco

CLASSES = ('ground', 'fence', 'cow')
METAINFO = dict(classes=CLASSES)


def write_images(folder, part, number, suffix='.jpg'):
    """Images ``<part>/<k><suffix>`` with labels below ``images`` and ``labels``."""
    rng = np.random.default_rng(len(part))
    for kind in ('images', 'labels'):
        (folder / kind / part).mkdir(parents=True, exist_ok=True)
    for k in range(number):
        image = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(image).save(folder / f'images/{part}/{k:02}{suffix}')
        # the last class is rare
        label = rng.choice(np.array([0, 1, 255] + [2] * (k % 4 == 0), np.uint8), (12, 16))
        Image.fromarray(label).save(folder / f'labels/{part}/{k:02}.png')


def node(folder, part, **kwargs):
    return dict(type='SegFolderDataset', metainfo=METAINFO, data_root=str(folder),
                data_prefix=dict(img_path=f'images/{part}', seg_map_path=f'labels/{part}'),
                pipeline=[dict(type='LoadImageFromFile')], **kwargs)


def read(*nodes):
    return join_parts([read_part(one, 'train') for one in nodes], nodes)


@pytest.fixture
def barn(tmp_path):
    """12 images to train on and 4 to validate."""
    folder = tmp_path / 'a barn 牛'
    write_images(folder, 'train', 12)
    write_images(folder, 'val', 4, '.PNG')
    return folder


def test_two_folders_become_one_set(barn):
    data = read(node(barn, 'train'), node(barn, 'val', test_mode=True))
    assert data.names == [f'train/{k:02}' for k in range(12)] + [f'val/{k:02}' for k in range(4)]
    assert data.folders == dict(img_path=str(barn / 'images'), seg_map_path=str(barn / 'labels'))
    assert data.paths[12] == str(barn / 'images/val/00.PNG')
    # a list with these names is read by the same data set
    (barn / 'list.txt').write_text(fold_content(data, np.arange(16) % 5 == 0), encoding='utf-8')
    again = read_part(dict(node(barn, 'train'), ann_file='list.txt', data_prefix=data.folders),
                      'train')
    assert again.paths == data.paths[::5]


def test_image_in_both_sets_counts_once(barn):
    data = read(node(barn, 'train'), node(barn, 'train', test_mode=True))
    assert data.names == [f'{k:02}' for k in range(12)]
    assert data.rows == list(range(12))


@pytest.mark.parametrize('folds', [2, 3, 5, 16])
def test_folds_are_disjoint_whole_and_of_one_size(barn, folds):
    data = read(node(barn, 'train'), node(barn, 'val'))
    parts = divide(data, folds, range(16), seed=0, jobs=1)
    sizes = np.bincount(parts, minlength=folds)
    assert sizes.max() - sizes.min() <= 1 and sizes.sum() == 16
    texts = [fold_content(data, parts == k).split() for k in range(folds)]
    assert sorted(sum(texts, [])) == sorted(data.names)
    rest = [fold_content(data, parts != k).split() for k in range(folds)]
    assert all(sorted(one + other) == sorted(data.names)
               for one, other in zip(texts, rest, strict=True))


def test_rare_class_is_in_every_fold(barn):
    data = read(node(barn, 'train'), node(barn, 'val'))
    # images 0, 4, 8 of the first and 0 of the second show it
    shows = np.array([name[-2:] in ('00', '04', '08') for name in data.names])
    for seed in range(4):
        parts = divide(data, 4, range(16), seed, jobs=1)
        assert np.bincount(parts[shows], minlength=4).tolist() == [1, 1, 1, 1]


def test_seed_and_order_of_images(barn):
    data = read(node(barn, 'train'), node(barn, 'val'))
    first = divide(data, 4, range(16), 0, jobs=1)
    assert np.array_equal(first, divide(data, 4, range(16), 0, jobs=2))
    assert any(not np.array_equal(first, divide(data, 4, range(16), seed, jobs=1))
               for seed in (1, 2, 3))
    names, features = list('abcdef'), np.eye(6) + 1
    parts = assign_named(names, features, [0.5, 0.5], range(6))
    order = [3, 1, 5, 0, 4, 2]
    assert np.array_equal(parts[order], assign_named(
        [names[k] for k in order], features[order], [0.5, 0.5], order))


def test_groups_stay_together(barn):
    data = read(node(barn, 'train'), node(barn, 'val'))
    groups = join_labels([k // 3 for k in range(16)], [None] * 15 + ['x'])
    parts = divide(data, 3, groups, 0, jobs=1)
    assert all(len(set(parts[groups == group])) == 1 for group in set(groups))
    with pytest.raises(ValueError, match=r'6 group\(s\) of images cannot fill 7 parts'):
        divide(data, 7, groups, 0, jobs=1)


def coco_node(folder, part, **kwargs):
    return dict(type='mmdet.CattleDataset', metainfo=dict(classes=('cattle', )),
                data_root=str(folder), ann_file=f'{part}.json', data_prefix=dict(img=f'{part}/'),
                pipeline=[], **kwargs)


@pytest.fixture
def herd(tmp_path):
    """The small COCO set twice, with categories of other ids."""
    for part, category in (('train', 1), ('val', 9)):
        content = small_coco.content()
        for entry in content['categories']:
            entry['id'] = category
        for ann in content['annotations']:
            ann['category_id'] = category
        (tmp_path / f'{part}.json').write_text(json.dumps(content))
    return tmp_path


def test_two_coco_files_become_one(herd):
    data = read(coco_node(herd, 'train'), coco_node(herd, 'val'))
    content, single = data.content, small_coco.content()
    assert data.folders == dict(img=str(herd))
    assert [image['id'] for image in content['images']] == list(range(1, 7))
    assert [image['file_name'] for image in content['images']] == data.names
    assert data.names == [f'{part}/{image["file_name"]}' for part in ('train', 'val')
                          for image in single['images']]
    number = len(single['annotations'])
    assert [ann['id'] for ann in content['annotations']] == list(range(1, 2 * number + 1))
    # each annotation lies on the image that it lay on
    names = {image['id']: image['file_name'] for image in content['images']}
    before = {image['id']: image['file_name'] for image in single['images']}
    for place, ann in enumerate(content['annotations']):
        origin = single['annotations'][place % number]
        part = 'train' if place < number else 'val'
        assert names[ann['image_id']] == f'{part}/{before[origin["image_id"]]}'
        assert ann['segmentation'] == origin['segmentation']
    assert {ann['category_id'] for ann in content['annotations']} == {1}
    parts = divide(data, 3, range(6), 0, jobs=1)
    assert np.bincount(parts).tolist() == [2, 2, 2]
    held_out = fold_content(data, parts == 0)
    assert len(held_out['images']) == 2
    assert {ann['image_id'] for ann in held_out['annotations']} <= {
        image['id'] for image in held_out['images']}


@pytest.mark.parametrize(('change', 'words'), [
    (dict(type='RepeatDataset', dataset={}), 'train is a RepeatDataset, which holds other data'),
    (dict(indices=3), 'train.indices takes some images only'),
    (dict(data_prefix=dict(img_path='images/train')), 'train has no labels'),
])
def test_sets_that_cannot_be_divided(barn, change, words):
    with pytest.raises(ValueError, match=words):
        read_part({**node(barn, 'train'), **change}, 'train')


def test_sets_that_do_not_go_together(barn, herd):
    other = dict(node(barn, 'val'), metainfo=dict(classes=('a', 'b', 'c')))
    with pytest.raises(ValueError, match='differ in metainfo: divide the first alone, with --data'):
        read(node(barn, 'train'), other)
    moved = barn / 'labels/other'
    (barn / 'labels/val').rename(moved)
    one = node(barn, 'val')
    one['data_prefix']['seg_map_path'] = 'labels/other'
    with pytest.raises(ValueError, match='not in folders of one name'):
        read(node(barn, 'train'), one)
    with pytest.raises(FileNotFoundError, match='gone.json does not exist'):
        read_part(coco_node(herd, 'gone'), 'train')
    (herd / 'bad.json').write_text('{')
    with pytest.raises(ValueError, match='bad.json is no JSON'):
        read_part(coco_node(herd, 'bad'), 'train')


def test_folds_of_the_data_are_found(tmp_path):
    for k in range(3):
        (tmp_path / f'fold7 x/fold{k}').mkdir(parents=True)
        for side in ('train', 'val'):
            (tmp_path / f'fold7 x/fold{k}/{side}.txt').touch()
            (tmp_path / f'fold{k}_{side}.json').touch()
    base = tmp_path / 'fold7 x'
    expected = [tuple(f'{base}/fold{k}/{side}.txt' for side in ('train', 'val')) for k in range(3)]
    # whichever fold the config names
    assert own_folds(f'{base}/fold2/train.txt', f'{base}/fold2/val.txt') == expected
    assert len(own_folds(f'{tmp_path}/fold0_train.json', f'{tmp_path}/fold0_val.json')) == 3
    for train, val in (('train.txt', 'val.txt'), (f'{base}/fold0/train.txt', 'val.txt'),
                       (f'{base}/fold0/train.txt', f'{base}/fold1/val.txt')):
        assert own_folds(train, val) == []
