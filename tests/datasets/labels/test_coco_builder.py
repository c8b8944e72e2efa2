"""Labels gathered in one COCO file: which are taken, under which names, and what is told."""
import copy
import json
import os

import numpy as np
import pytest
from pycocotools.coco import COCO

from plugin.datasets.labels.coco_builder import CocoBuilder, write_coco
from plugin.datasets.labels.label_names import LabelNames
from plugin.datasets.labels.shapes import Shape, box_ring
from tests.helpers.small_labels import animals, write_image


def box(label, left=2, top=2, right=9, bottom=9, group=None):
    return Shape(label, box_ring(left, top, right, bottom), group, f'{label}@{left}')


@pytest.fixture
def build(tmp_path):
    """Builds the COCO file of lists of shapes, an image each."""
    def build(*images, **choice):
        builder = CocoBuilder(tmp_path, LabelNames(**choice))
        for number, shapes in enumerate(images):
            path = write_image(tmp_path / f'{number}.png')
            builder.add(builder.image(f'{number}.json', path), shapes)
        builder.close()
        return builder
    return build


def names(builder):
    """Names of the classes by id, and how many animals each has."""
    content = builder.content()
    return [(category['id'], category['name'],
             sum(ann['category_id'] == category['id'] for ann in animals(content['annotations'])))
            for category in content['categories']]


def test_content(build, tmp_path):
    ring = [box('cow', group=1), box('cow', 4, 4, 6, 6, group=1), box('cow', 20, 2, 30, 30)]
    shapes = copy.deepcopy(ring)
    builder = build(ring, [], [Shape('cow', [1.5, 1.5, 7.25, 1.5, 7.25, 20])])
    assert ring == shapes
    write_coco(tmp_path / 'sub/data.json', builder.content())
    coco = COCO(str(tmp_path / 'sub/data.json'))
    assert [(i['id'], i['file_name'], i['height'], i['width']) for i in coco.imgs.values()] == [
        (k + 1, f'{k}.png', 40, 60) for k in range(3)]
    assert [ann['image_id'] for ann in coco.anns.values()] == [1, 1, 3]
    assert [ann['area'] for ann in coco.anns.values()][:2] == [49 - 4, 280]
    for annotation in coco.anns.values():
        mask = coco.annToMask(annotation)
        rows, columns = np.nonzero(mask)
        assert annotation['area'] == mask.sum() and annotation['iscrowd'] == 0
        assert annotation['bbox'] == [columns.min(), rows.min(), np.ptp(columns) + 1,
                                      np.ptp(rows) + 1]
    assert isinstance(coco.anns[1]['segmentation']['counts'], str)
    assert coco.anns[3]['segmentation'] == [[1.5, 1.5, 7.25, 1.5, 7.25, 20]]


def test_labels_that_differ_in_case(build):
    builder = build([box('Kuh'), box('kuh', 10, 2, 15, 9), box(' kuh', 20, 2, 25, 9)],
                    [box('KUH'), box('Kalb', 20, 2, 25, 9)])
    assert names(builder) == [(1, 'Kalb', 1), (2, 'kuh', 4)]
    assert [(f.file, f.action, f.reason) for f in builder.findings] == [
        ('0.json', 'merged', "label 'Kuh', 1 shape in all, is taken as 'kuh'"),
        ('0.json', 'merged', "label ' kuh', 1 shape in all, is taken as 'kuh'"),
        ('1.json', 'merged', "label 'KUH', 1 shape in all, is taken as 'kuh'")]


def test_wanted_labels(build):
    builder = build([box('calf'), box('Cow', 20, 2, 25, 9), box('man', 30, 2, 40, 9)],
                    wanted=['cow', 'calf', 'bull'])
    assert names(builder) == [(1, 'cow', 1), (2, 'calf', 1), (3, 'bull', 0)]
    assert [(f.action, f.reason) for f in builder.findings] == [
        ('merged', "label 'Cow', 1 shape in all, is taken as 'cow'"),
        ('note', "label 'man', 1 shape, is not among those asked for"),
        ('note', 'there is no shape of bull')]
    assert names(build([box('calf'), box('man', 20, 2, 25, 9)], wanted=['CALF'],
                       name='cattle')) == [(1, 'cattle', 1)]


def test_one_name_for_all(build):
    builder = build([box('cow', group=1), box('head', 20, 2, 25, 9, group=1)], name=' cattle ')
    assert names(builder) == [(1, 'cattle', 1)] and builder.findings == []
    assert names(build([], name='cattle')) == [(1, 'cattle', 0)]


def test_labels_that_make_no_class(build):
    with pytest.raises(ValueError, match='none of the labels cwo occurs; there are cow'):
        build([box('cow')], wanted=['cwo']).content()
    with pytest.raises(ValueError, match='no animal is left: name the class'):
        build([]).content()
    with pytest.raises(ValueError, match='cow, Cow name a class more than once'):
        LabelNames(['cow', 'Cow'])
    for choice in (dict(wanted=['']), dict(name=' ')):
        with pytest.raises(ValueError, match='a class has an empty name'):
            LabelNames(**choice)
    with pytest.raises(ValueError, match='no labelled image is left'):
        build().content()


@pytest.mark.parametrize('label', ['', '  ', None, 3, ['cow'], '\ud83d'])
def test_labels_that_are_no_names(build, label):
    builder = build([Shape(label, box_ring(2, 2, 9, 9), None, 'shape 1'), box('cow')])
    # the outline is good, and its area a region to ignore
    assert names(builder) == [(1, 'cow', 1)]
    assert [(one['area'], one['iscrowd']) for one in builder.content()['annotations']] == [
        (49, 0), (49, 1)]
    finding, = builder.findings
    assert finding[:3] == ('0.json', 'shape 1', 'dropped') and 'is no name' in finding.reason


@pytest.mark.parametrize('orientation,written,words', [
    (6, (40, 60), 'for 60x40 pixels, but image a.jpg has 40x60 once turned as its EXIF'),
    (None, (60, 40), 'for 40x60 pixels, but image a.jpg has 60x40: bring back the image'),
    (6, (30, 30), 'for 30x30 pixels, but image a.jpg has 40x60: bring back'),
    (None, ('40', None), 'for Nonex40 pixels'),
])
def test_sizes_that_differ(tmp_path, orientation, written, words):
    builder = CocoBuilder(tmp_path)
    path = write_image(tmp_path / 'a.jpg', (40, 60), orientation)
    assert builder.image('a.json', path, written) is None
    finding, = builder.findings
    assert finding[:3] == ('a.json', '', 'left out') and words in finding.reason
    assert ('exiftool' in finding.reason) == (words[-4:] == 'EXIF')


def test_sizes_that_agree(tmp_path):
    for name, orientation, written in (('a', 6, (60, 40)), ('b', 3, (40, 60)), ('c', 6, None)):
        builder = CocoBuilder(tmp_path)
        path = write_image(tmp_path / f'{name}.jpg', (40, 60), orientation)
        height, width = written or (60, 40)
        assert builder.image('x', path, written) == ('x', f'{name}.jpg', height, width)


def test_images_that_are_left_out(tmp_path):
    builder = CocoBuilder(tmp_path / 'pictures')
    path = write_image(tmp_path / 'pictures/a.png')
    assert builder.image('first.json', path) and builder.has(path)
    (tmp_path / 'pictures/b.png').write_bytes(b'no image')
    odd = write_image(tmp_path / 'pictures' / os.fsdecode(b'\xff.png'))
    others = [path, write_image(tmp_path / 'c.png'), tmp_path / 'pictures/b.png', odd]
    assert [builder.image('next.json', other) for other in others] == [None] * 4
    for finding, words in zip(builder.findings, (
            'image a.png has its labels from first.json already',
            'image ../c.png lies outside the folder of images', 'image b.png cannot be read',
            r'the name of image \udcff.png is no UTF-8: rename it'), strict=True):
        assert finding[:3] == ('next.json', '', 'left out') and words in finding.reason


def test_unknown_action(tmp_path):
    with pytest.raises(ValueError, match="action 'lost' is none of note, mended"):
        CocoBuilder(tmp_path).report('a', 'lost', 'no reason')


def test_a_full_disk_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / 'data.json'
    path.write_text('older')

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='No space left'):
        write_coco(path, json.loads('{}'))
    assert path.read_text() == 'older' and len(list(tmp_path.iterdir())) == 1
