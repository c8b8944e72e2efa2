"""The two data sets of outlined animals, and what they do not let pass."""
import json

import numpy as np
import pytest
from mmdet.registry import DATASETS as DET
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS as SEG
from pycocotools import mask as coco_mask

from plugin.datasets import cattle
from plugin.datasets.doctor.findings import Report
from plugin.datasets.doctor.preflight import check_dataset
from plugin.datasets.doctor.reading import read_parts
from tests.helpers.small_coco import SIZES, content, ring, rle, write_set

SEG_PIPELINE = [dict(type='LoadImageFromFile'), dict(type='LoadInstanceSegMap')]
DET_PIPELINE = [dict(type='LoadImageFromFile'),
                dict(type='LoadAnnotations', with_bbox=True, with_mask=True)]


def instances(root, **kwargs):
    with DefaultScope.overwrite_default_scope('mmdet'):
        return DET.build(dict(type='CattleDataset', data_root=str(root), **{
            **dict(ann_file='train.json', data_prefix=dict(img='images'), pipeline=[]),
            **kwargs}))


def semantic(root, **kwargs):
    return SEG.build(dict(type='CattleSegDataset', data_root=str(root), **{
        **dict(ann_file='train.json', data_prefix=dict(img_path='images'),
               pipeline=SEG_PIPELINE), **kwargs}))


@pytest.fixture(params=[instances, semantic], ids=['instances', 'semantic'])
def build(request):
    return request.param


def changed(part, number=0, **values):
    """The entries of one part of the file, one of them with other values (None: without)."""
    entries = content()[part]
    entries[number].update(values)
    entries[number] = {key: value for key, value in entries[number].items() if value is not None}
    return {part: entries}


def test_one_file_two_tasks(tmp_path):
    root = write_set(tmp_path)
    one, other = instances(root), semantic(root)
    assert one.metainfo['classes'] == ('cattle', )
    assert other.metainfo['classes'] == ('background', 'cattle')
    assert [one[i]['img_path'] for i in range(3)] == [other.get_data_info(i)['img_path']
                                                      for i in range(3)]
    assert [len(one[i]['instances']) for i in range(3)] == [1, 3, 0]


def test_label_map_is_that_of_pycocotools(tmp_path):
    dataset = semantic(write_set(tmp_path))
    for index, (height, width) in enumerate(SIZES.values()):
        expected = np.zeros((height, width), np.uint8)
        for annotation in content()['annotations']:
            if annotation['image_id'] == index + 1 and annotation['iscrowd']:
                expected[coco_mask.decode(annotation['segmentation']) > 0] = 255
        for annotation in content()['annotations']:
            if annotation['image_id'] == index + 1 and not annotation['iscrowd']:
                code = annotation['segmentation']
                if isinstance(code, list):
                    code = coco_mask.merge(coco_mask.frPyObjects(code, height, width))
                expected[coco_mask.decode(code) > 0] = 1
        np.testing.assert_array_equal(dataset[index]['gt_seg_map'], expected)


def test_hole_stays_background(tmp_path):
    label = semantic(write_set(tmp_path))[1]['gt_seg_map']
    assert label[10, 12] == 0 and ring()[10, 12] == 0
    assert label[5, 7] == 1


def test_smaller_animal_is_in_front(tmp_path):
    annotations = content(('cow', 'calf'))['annotations'][:2]
    whole = [[0.0, 0.0, 50.0, 0.0, 50.0, 33.0, 0.0, 33.0]]
    annotations[0] = dict(annotations[0], image_id=2, segmentation=whole, area=1650.0,
                          category_id=1, bbox=[0, 0, 50, 33])
    annotations[1] = dict(annotations[1], category_id=2)
    for order in (annotations, annotations[::-1]):
        root = write_set(tmp_path, ('cow', 'calf'), annotations=order)
        label = semantic(root, metainfo=dict(classes=('cow', 'calf')))[1]['gt_seg_map']
        np.testing.assert_array_equal(label, np.where(ring(), 2, 1))


def test_masks_of_instances_are_those_of_the_file(tmp_path):
    dataset = instances(write_set(tmp_path), pipeline=DET_PIPELINE)
    masks = dataset[1]['gt_masks'].to_ndarray()
    areas = [a['area'] for a in content()['annotations'] if a['image_id'] == 2]
    assert masks.sum((1, 2)).tolist() == areas
    np.testing.assert_array_equal(masks[0], ring())
    assert dataset[1]['gt_ignore_flags'].tolist() == [False, False, True]


def test_class_ids_follow_the_config_whatever_the_order_in_the_file(tmp_path):
    root = write_set(tmp_path, ('cow', 'pig'))
    names = {1: 'cow', 2: 'pig'}
    for classes in (('cow', 'pig'), ('pig', 'cow')):
        dataset = instances(root, metainfo=dict(classes=classes))
        found = [classes[entry['bbox_label']] for i in range(3)
                 for entry in dataset[i]['instances']]
        assert found == [names[a['category_id']] for a in content(('cow', 'pig'))['annotations']]
        label = semantic(root, metainfo=dict(classes=classes))[0]['gt_seg_map']
        assert label.max() == 1 + classes.index('pig')


def test_images_without_animals_are_kept_unless_the_config_says_otherwise(tmp_path):
    root = write_set(tmp_path)
    assert len(instances(root)) == 3
    assert len(instances(root, filter_cfg=dict(filter_empty_gt=True))) == 2


def test_nothing_left_is_a_sentence(tmp_path):
    root = write_set(tmp_path, annotations=[])
    assert len(instances(root)) == 3
    with pytest.raises(ValueError, match='leaves none of the 3 images of .*train.json: they '
                                         'are too small, or show no animal'):
        instances(root, filter_cfg=dict(filter_empty_gt=True))


def test_comma_is_asked_for(tmp_path, build):
    with pytest.raises(ValueError, match=r"classes is the string 'cattle', not a list of names: "
                                         r"write classes=\('cattle', \) with the comma"):
        build(write_set(tmp_path), metainfo=dict(classes='cattle'))


def test_other_categories_stop_with_both_lists(tmp_path, build):
    root = write_set(tmp_path, ('cow', 'pig'))
    with pytest.raises(ValueError, match=r'has the categories \(cow, pig\), but the config the '
                                         r'classes \(cow, goat\): set metainfo'):
        build(root, metainfo=dict(classes=('cow', 'goat')))
    with pytest.raises(ValueError, match=r"set metainfo=dict\(classes=\('cow', 'pig'\)\)"):
        build(root, metainfo=dict(classes=('cow', )))
    with pytest.raises(ValueError, match=r'the classes \(cow, pig, goat\)'):
        build(root, metainfo=dict(classes=('cow', 'pig', 'goat')))


def test_categories_can_be_left_out_by_name(tmp_path):
    root = write_set(tmp_path, ('cow', 'pig'))
    options = dict(metainfo=dict(classes=('cow', )), skip_categories=('pig', ))
    dataset = instances(root, **options)
    assert [len(dataset[i]['instances']) for i in range(3)] == [0, 2, 0]
    assert semantic(root, **options)[0]['gt_seg_map'].max() == 0


def test_a_region_stays_whichever_category_is_skipped(tmp_path):
    """A region has an entry for each category; the first one may be of a skipped one."""
    drawn, region = content(('cow', 'pig'))['annotations'][:2]
    entries = [dict(region, id=2 + number, category_id=number, iscrowd=1, ignore_region=1)
               for number in (1, 2)]
    root = write_set(tmp_path, ('cow', 'pig'), annotations=[drawn, *entries])
    for kept, skipped in (('cow', 'pig'), ('pig', 'cow')):
        options = dict(metainfo=dict(classes=(kept, )), skip_categories=(skipped, ))
        for testing in (False, True):
            dataset = instances(root, test_mode=testing, **options)
            assert [one['ignore_flag'] for one in dataset[1]['instances']] == [1]
        semantic_map = semantic(root, **options)[1]['gt_seg_map']
        np.testing.assert_array_equal(semantic_map == 255, ring())
        leaf = dict(type='CattleDataset', data_root=str(root), ann_file='train.json',
                    data_prefix=dict(img='images'), pipeline=[], **options)
        with DefaultScope.overwrite_default_scope('mmdet'):
            part, = read_parts([('train', 'train', leaf)], Report())
        assert [one.crowd for one in part.outlines[1]] == [True]
    both = instances(root, metainfo=dict(classes=('cow', 'pig')))
    assert [one['ignore_flag'] for one in both[1]['instances']] == [1]


def test_classes_named_twice(tmp_path, build):
    with pytest.raises(ValueError, match='classes names cow more than once'):
        build(write_set(tmp_path), metainfo=dict(classes=('cow', 'cow')))


def test_colours_are_plain_numbers_one_a_class(tmp_path, build):
    root = write_set(tmp_path, ('cow', 'pig'))
    metainfo = build(root, metainfo=dict(classes=('cow', 'pig'))).metainfo
    assert len(metainfo['palette']) == len(metainfo['classes'])
    assert all(type(value) is int for colour in metainfo['palette'] for value in colour)
    with pytest.raises(ValueError, match='palette has 1 colours for 2 classes'):
        build(root, metainfo=dict(classes=('cow', 'pig'), palette=[[1, 2, 3]]))


def test_background_may_be_named(tmp_path):
    dataset = semantic(write_set(tmp_path), metainfo=dict(classes=('background', 'cattle')))
    assert dataset.metainfo['classes'] == ('background', 'cattle')
    assert dataset[0]['gt_seg_map'].max() == 1


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(images=[], annotations=[]), 'train.json holds no image: there is nothing to train'),
    (changed('annotations', 1, segmentation=[]),
     r'annotation 2 of two.png in .*train.json has an empty segmentation: draw the outline'),
    (changed('annotations', 2, segmentation=[[1, 2, 3, 4]]),
     r'annotation 3 of two.png .* of which no outline can be made \(part 1 has 2 points\)'),
    (changed('annotations', 0, segmentation=None), r'annotations\[0\] .* lacks segmentation'),
    (changed('annotations', 0, image_id=9),
     'annotation 1 .* has the image_id 9, and the file has no such image'),
    (changed('annotations', 0, id=2), 'has the annotation id 2 more than once'),
    (changed('images', 0, file_name='two.png'), "has the file_name 'two.png' more than once"),
    (changed('images', 1, width=None), r'images\[1\] of .* lacks width'),
    (changed('images', 1, height=33.5), 'two.png of .* has the width 50 and the height 33.5'),
    (changed('annotations', 1, bbox=[]), r'annotation 2 of .* has the bbox \[\] and the area'),
    (changed('annotations', 1, area='80'), "annotation 2 of .* and the area '80': write"),
    # as many pixels, which mmdet takes for an image that lies on its side
    (changed('annotations', 1, segmentation=rle(ring().T)),
     'annotation 2 of two.png in .* has run lengths of another size than its image'),
    (changed('annotations', 1, segmentation=dict(size=[33, 50], counts=[10, 20])),
     'annotation 2 of two.png in .* has run lengths of another size than its image'),
    (dict(categories=None), 'has no list of categories: it is no COCO file of instances'),
])
def test_malformed_files_are_sentences(tmp_path, build, changes, message):
    with pytest.raises(ValueError, match=message):
        build(write_set(tmp_path, **changes))


def test_sizes_may_be_written_with_a_point(tmp_path):
    label = semantic(write_set(tmp_path, **changed('images', 1, height=33.0, width=50.0)))[1]
    assert label['gt_seg_map'].shape == (33, 50)


def test_missing_and_broken_files(tmp_path, build):
    root = write_set(tmp_path)
    with pytest.raises(FileNotFoundError, match='annotation file .*other.json does not exist: '
                                                'make it with a converter of tools/data'):
        build(root, ann_file='other.json')
    (root / 'train.json').write_text('{"images": [')
    with pytest.raises(ValueError, match='train.json is no JSON'):
        build(root)


def test_specks_are_named(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(cattle, 'print_log', lambda text, **_: said.append(text))
    dataset = instances(write_set(tmp_path, **changed('annotations', 1, bbox=[4, 4, 0.5, 9])))
    assert [len(dataset[i]['instances']) for i in range(3)] == [1, 2, 0]
    assert said[0].startswith(f'1 of 4 annotations of {tmp_path}/train.json are marked iscrowd')
    assert said[1:] == [f'annotation 2 of two.png in {tmp_path}/train.json is left out: '
                    'its box is smaller than a pixel']


def test_check_compares_the_image_with_the_size_of_the_outlines(tmp_path, build):
    pipeline = SEG_PIPELINE if build is semantic else [dict(type='LoadImageFromFile')]
    good = build(write_set(tmp_path), pipeline=pipeline)
    assert check_dataset(good) is None
    images = content()['images']
    images[0]['height'], images[0]['width'] = 60, 45
    with pytest.raises(ValueError, match='image images/one cow.jpg is 60x45 as loaded .* '
                                         'height are swapped in the file of outlines, 45x60'):
        check_dataset(build(write_set(tmp_path, images=images), pipeline=pipeline))
    (tmp_path / 'images/two.png').unlink()
    write = json.loads((tmp_path / 'val.json').read_text())
    assert write['images'][0]['height'] == 60
    with pytest.raises(ValueError, match='image images/two.png cannot be read'):
        (tmp_path / 'train.json').write_text(json.dumps(content()))
        check_dataset(build(tmp_path, pipeline=pipeline))


def test_seven_wild_animals(shared):
    classes = ('bear', 'deer', 'elephant', 'otter', 'rhesus monkey', 'tiger', 'turtle')
    root = shared / 'data/animals7'
    dataset = instances(root, ann_file='val.json', data_prefix=dict(img='val'),
                        metainfo=dict(classes=classes))
    assert len(dataset) == 210
    assert sum(len(dataset[i]['instances']) for i in range(210)) == 298
    label = semantic(root, ann_file='val.json', data_prefix=dict(img_path='val'),
                     metainfo=dict(classes=classes))[0]['gt_seg_map']
    assert set(np.unique(label)) <= set(range(8))
