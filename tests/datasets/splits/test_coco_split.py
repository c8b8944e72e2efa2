"""Parts of a COCO file: nothing lost, groups undivided, animals balanced."""
import copy
import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.datasets.splits import coco_split
from plugin.datasets.splits.balanced_parts import assign_groups
from tests.reference import same_sets, slow_labels


def coco(counts, classes=1):
    """A COCO file with so many animals in each image."""
    images = [dict(id=3 * k + 1, file_name=f'{k:05}.jpg', camera='牛') for k in range(len(counts))]
    owners = [image['id'] for image, count in zip(images, counts) for _ in range(count)]
    annotations = [dict(id=k, image_id=owner, category_id=7 + k % classes, extra=[k])
                   for k, owner in enumerate(owners)]
    categories = [dict(id=7 + k, name=f'kind {k}') for k in range(classes)]
    return dict(info=dict(year=2024), images=images, annotations=annotations,
                categories=categories, licenses=[1], more='kept')


def chi_square(features, chosen, shares):
    """The sum that the assignment makes small, images counting fourfold, by plain loops."""
    total = 0
    for part, share in enumerate(shares):
        for column in range(features.shape[1]):
            expected = share * sum(row[column] for row in features)
            found = sum(row[column] for row, p in zip(features, chosen) if p == part)
            total += (4 if column == 0 else 1) * (found - expected)**2 / expected
    return total


SHARES = [0.7, 0.2, 0.1]


@pytest.mark.parametrize('seed', [0, 1])
@pytest.mark.parametrize('counts', [
    np.random.default_rng(0).geometric(0.68, 323),
    np.random.default_rng(1).poisson(10, 200),
    np.random.default_rng(2).poisson(2, 323) * (np.random.default_rng(3).random(323) < 0.6),
], ids=['few', 'many', 'with empty'])
def test_shares_and_animals_are_met(counts, seed):
    parts = coco_split.assign_images(coco(counts), SHARES, range(len(counts)), seed)
    for part, share in enumerate(SHARES):
        ours = counts[parts == part]
        assert abs(len(ours) - round(share * len(counts))) <= 1
        assert abs(ours.mean() / counts.mean() - 1) < 0.03
        assert abs((ours == 0).sum() - share * (counts == 0).sum()) <= 1


def test_classes_are_balanced():
    rng = np.random.default_rng(0)
    content = coco(rng.poisson(2, 350), classes=7)
    parts = coco_split.assign_images(content, SHARES, range(350))
    for part, share in enumerate(SHARES):
        split = coco_split.take_images(content, parts == part)
        for category in content['categories']:
            total, ours = (sum(ann['category_id'] == category['id'] for ann in c['annotations'])
                           for c in (content, split))
            assert abs(ours - share * total) <= 2


def test_seed_decides_and_order_does_not():
    counts = np.random.default_rng(0).poisson(3, 120)
    content = coco(counts)
    groups = np.arange(120) // 3
    parts = coco_split.assign_images(content, SHARES, groups, seed=5)
    assert np.array_equal(parts, coco_split.assign_images(content, SHARES, groups, seed=5))
    assert not np.array_equal(parts, coco_split.assign_images(content, SHARES, groups, seed=6))
    order = random.Random(0).sample(range(120), 120)
    shuffled = {**content, 'images': [content['images'][k] for k in order],
                'annotations': content['annotations'][::-1]}
    # the numbers of the groups are arbitrary, too
    again = coco_split.assign_images(shuffled, SHARES, 99 - groups[order], seed=5)
    assert np.array_equal(again, parts[order])


@given(counts=st.lists(st.integers(0, 9), min_size=4, max_size=25),
       sizes=st.lists(st.integers(1, 6), min_size=30, max_size=30), seed=st.integers(0, 99),
       crowds=st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_entry_lands_once_and_groups_stay_whole(counts, sizes, seed, crowds):
    content = coco(counts, classes=2)
    for annotation in content['annotations'][::3]:
        annotation['iscrowd'] = int(crowds)
    before = copy.deepcopy(content)
    groups = np.repeat(np.arange(30), sizes)[:len(counts)]
    groups[-2:] = 98, 99
    groups[0] = 97
    parts = coco_split.assign_images(content, SHARES, groups, seed)
    splits = [coco_split.take_images(content, parts == part) for part in range(3)]
    assert content == before
    assert all(split['images'] for split in splits)
    for name in ('images', 'annotations'):
        entries = [json.dumps(entry) for split in splits for entry in split[name]]
        assert sorted(entries) == sorted(json.dumps(entry) for entry in before[name])
    for split in splits:
        ids = {image['id'] for image in split['images']}
        assert {ann['image_id'] for ann in split['annotations']} <= ids
        assert {**split, 'images': 0, 'annotations': 0} == {**before, 'images': 0,
                                                            'annotations': 0}
    assert len({(group, part) for group, part in zip(groups, parts)}) == len(set(groups))


def test_no_swap_of_two_groups_would_help():
    rng = np.random.default_rng(0)
    features = np.stack([rng.integers(1, 4, 30), *rng.integers(0, 9, (2, 30))], axis=1)
    before = features.copy()
    chosen = assign_groups(features, SHARES)
    assert np.array_equal(features, before)
    least = chi_square(features, chosen, SHARES)
    for a in range(30):
        for b in range(a):
            if features[a, 0] == features[b, 0]:
                swapped = chosen.copy()
                swapped[[a, b]] = swapped[[b, a]]
                assert chi_square(features, swapped, SHARES) > least - 1e-6


def test_a_part_is_never_empty():
    # both groups are larger than what the second part should hold
    assert sorted(assign_groups(np.array([[50.], [50.]]), [0.9, 0.1])) == [0, 1]
    assert set(assign_groups(np.array([[99., 0], [1, 5], [1, 0]]), SHARES)) == {0, 1, 2}
    with pytest.raises(ValueError, match=r'2 group\(s\) of images cannot fill 3 parts: ask for '
                       'fewer parts'):
        assign_groups(np.ones((2, 1)), SHARES)


def test_features_of_images():
    content = coco([0, 1, 3, 5, 8], classes=1)
    content['annotations'][0]['iscrowd'] = 1
    assert coco_split.image_features(content).tolist() == [
        # image, animals; none, 1, 2, 3-4, 5-8
        [1, 0, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0, 0], [1, 3, 0, 0, 0, 1, 0],
        [1, 5, 0, 0, 0, 0, 1], [1, 8, 0, 0, 0, 0, 1]]
    content = coco([2, 1], classes=2)
    assert coco_split.image_features(content)[:, :4].tolist() == [[1, 2, 1, 1], [1, 1, 1, 0]]
    assert coco_split.image_features(coco([0, 0])).tolist() == [[1, 0, 1], [1, 0, 1]]


def test_summary_counts():
    content = coco([0, 2, 3])
    content['annotations'][0]['iscrowd'] = 1
    assert coco_split.summarise(content, [4, 4, 9]) == (3, 4, 1, 2)


def test_shares():
    assert coco_split.part_shares(0.2, 0.1) == pytest.approx(dict(train=0.7, val=0.2, test=0.1))
    assert list(coco_split.part_shares(test=0.25).items()) == [('train', 0.75), ('test', 0.25)]
    # the training images are in another file
    assert list(coco_split.part_shares(0.7, 0.3).items()) == [('val', 0.7), ('test', 0.3)]
    assert coco_split.part_shares(folds=4) == {f'fold{k}': 0.25 for k in range(4)}


@pytest.mark.parametrize('values, words', [
    (dict(), 'no part is asked for: give --val 0.2, --test 0.1 or --folds 5'),
    (dict(val=0.0), 'val=0.0 is no share of the images: give a number between 0 and 1'),
    (dict(val=0.2, test=-0.1), 'test=-0.1 is no share'),
    (dict(val=float('nan')), 'val=nan is no share'),
    (dict(val=0.7, test=0.4), 'val=0.7 and test=0.4 are more than all: give shares'),
    (dict(folds=1), 'folds=1 divides nothing: give 2 or more'),
    (dict(folds=5, val=0.2), 'give either --folds, or --val and --test'),
])
def test_shares_that_make_no_parts(values, words):
    with pytest.raises(ValueError, match=words):
        coco_split.part_shares(**values)


def test_names_of_groups():
    names = ['cam1_1.jpg', 'cam2_1.jpg', 'b/cam1_2.jpg', 'other.jpg']
    assert coco_split.names_of_groups(names, r'(cam\d)_') == ['cam1', 'cam2', 'cam1', None]
    assert coco_split.names_of_groups(names, r'cam\d') == ['cam1', 'cam2', 'cam1', None]
    assert coco_split.names_of_groups(names, '(?P<a>b/)?cam') == [None, None, 'b/', None]
    with pytest.raises(ValueError, match=r'"farm" finds no name in any file name \(cam1_1.jpg'):
        coco_split.names_of_groups(names, 'farm')
    with pytest.raises(ValueError, match='finds no name'):
        coco_split.names_of_groups(names, 'x*')
    with pytest.raises(ValueError, match=r'"\(cam" is no regular expression'):
        coco_split.names_of_groups(names, '(cam')


@given(labellings=st.lists(st.lists(st.none() | st.integers(0, 5), min_size=9, max_size=9),
                           min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_labels_join_like_a_walk(labellings):
    def linked(a, b):
        return any(one[a] is not None and one[a] == one[b] for one in labellings)

    assert same_sets(coco_split.join_labels(*labellings).tolist(), slow_labels(9, linked))
