"""LabelMe files: every shape taken or reported, and written so that they read back."""
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.datasets.labels.coco_builder import CocoBuilder
from plugin.datasets.labels.joining import TOLD
from plugin.datasets.labels.label_names import LabelNames
from plugin.datasets.labels.labelme import labelme_document, read_labelme
from plugin.datasets.labels.polygons import Instance, mask_to_rle, to_mask
from tests.helpers.small_labels import (
    animals,
    annotations_of,
    mask_shape,
    shape,
    square,
    write_image,
    write_labelme,
)

few = settings(deadline=None, derandomize=True, max_examples=60)
SIZE = (40, 60)


@pytest.fixture
def read(tmp_path):
    """Reads a LabelMe file with the given shapes; gives annotations and findings."""
    def read(*shapes, **more):
        builder = CocoBuilder(tmp_path, LabelNames(name='cow'))
        read_labelme([write_labelme(tmp_path / 'a.json', list(shapes), **more)], builder)
        return builder.content()['annotations'], builder.findings
    return read


def reasons(findings):
    return [(finding.shape, finding.action, finding.reason) for finding in findings]


def test_kinds_of_shapes(read):
    mask = np.tri(6, 8)
    annotations, findings = read(
        shape(square(2, 2, 8)), shape([[20, 12], [12, 2]], kind='rectangle'),
        shape(square(22, 2, 4), kind='rectangle'), shape([[40, 20], [40, 30]], kind='circle'),
        mask_shape(mask, 3, 30), shape([[5, 5]], kind='point'),
        shape([[5, 5], [9, 9]], kind='line'), shape([[5, 5], [9, 9], [9, 3]], kind='linestrip'))
    assert [ann['area'] for ann in annotations[:3]] == [64, 80, 16]
    assert annotations[3]['area'] == pytest.approx(math.pi * 100, rel=0.02)
    assert annotations[4]['area'] == mask.sum() and annotations[4]['bbox'] == [3, 30, 6, 6]
    assert np.array_equal(to_mask(annotations[4]['segmentation'], *SIZE)[30:36, 3:11], mask)
    assert reasons(findings) == [
        (f'shape {place}', 'dropped', f'a {kind} outlines nothing: draw a polygon{told}')
        for place, kind, told in ((6, 'point', ''), (7, 'line', TOLD), (8, 'linestrip', TOLD))]


@pytest.mark.parametrize('entry,words', [
    (shape([[1, 2], [3, 4], [5, 6]], kind='rectangle'), 'a rectangle has 2 or 4 points, not 3'),
    (shape([[1, 2]], kind='circle'), 'a circle has 2 points, centre and rim, not 1'),
    (shape([[1, 2], [math.inf, 2]], kind='circle'), 'a coordinate is not a number'),
    (shape([[1, 2], [3]]), 'it has no list of points x, y'),
    (shape(None), 'it has no list of points x, y'),
    (dict(label='cow'), 'it has no list of points x, y'),
    ('cow', 'it has no list of points x, y'),
    (shape([[1, 2], [3, 4]], kind='mask'), 'its mask cannot be read (KeyError'),
    (shape([[1, 2], [3, 4]], kind='mask', mask='????'), 'its mask cannot be read (Error'),
    (shape([[1, 2], [3, 4]], kind='mask', mask='aGFsbG8='), 'cannot identify image file'),
    (shape([], kind='mask', mask=mask_shape(np.ones((2, 2)), 0, 0)['mask']), 'IndexError'),
    (shape(square(1, 1, 5), kind=['list']), "shapes of type ['list'] are not known here"),
    (mask_shape(np.zeros((3, 4)), 2, 2), 'it covers no pixel'),
])
def test_shapes_that_are_dropped(read, entry, words):
    annotations, findings = read(entry, shape(square(20, 20, 5)))
    assert [ann['area'] for ann in animals(annotations)] == [25]
    (name, action, reason), = reasons(findings)
    assert (name, action) == ('shape 1', 'dropped') and words in reason


def test_masks_that_are_mended(read):
    odd = mask_shape(np.ones((4, 6)), 58, 38)
    odd['points'][1] = [60, 40]
    (annotation, ), findings = read(odd)
    assert annotation['area'] == 4
    assert reasons(findings) == [
        ('shape 1', 'mended', 'its box is 3x3, its mask 6x4: the mask counts'),
        ('shape 1', 'mended', '20 of its pixels lie outside the image: clipped')]


def test_groups_hold_only_in_their_image(tmp_path):
    shapes = [shape(square(2, 2, 5), group=1), shape(square(20, 2, 5), group=1)]
    files = [write_labelme(tmp_path / f'{k}.json', shapes) for k in range(2)]
    builder = CocoBuilder(tmp_path)
    read_labelme(files, builder)
    assert [ann['area'] for ann in builder.content()['annotations']] == [50, 50]


def test_odd_groups_and_labels(read):
    annotations, findings = read(
        shape(square(2, 2, 5), group=[1]), shape(square(20, 2, 5), group=[1]),
        shape(square(30, 2, 5), label=None))
    assert [ann['area'] for ann in animals(annotations)] == [50]
    assert reasons(findings) == [('shape 3', 'dropped', 'its label None is no name' + TOLD)]


@pytest.mark.parametrize('content,words', [
    (b'{"shapes": [],\n "imagePath": }', 'line 2, column 15: Expecting value'),
    (b'', 'line 1, column 1'),
    ('{"shapes": "Kühe"}'.encode('latin-1'), 'byte 13 is no UTF-8: save it as UTF-8'),
    (b'[' * 100000, 'cannot be read as JSON'),
    (b'null', 'it holds nothing'),
    (b'{"imagePath": "a.png"}', 'it has no list of shapes, so that it is no file of LabelMe'),
    (b'{"shapes": "cow"}', 'it has no list of shapes'),
])
def test_files_that_are_left_out(tmp_path, content, words):
    builder = CocoBuilder(tmp_path)
    (tmp_path / 'bad.json').write_bytes(content)
    good = write_labelme(tmp_path / 'good.json', [shape(square(2, 2, 5))])
    good.write_bytes(b'\xef\xbb\xbf' + good.read_bytes())
    read_labelme([tmp_path / 'bad.json', tmp_path / 'gone.json', good], builder)
    first, second = builder.findings
    assert first[:3] == ('bad.json', '', 'left out') and words in first.reason
    assert second[:3] == ('gone.json', '', 'left out') and 'No such file' in second.reason
    assert len(builder.content()['images']) == 1


def test_where_images_are_found(tmp_path):
    labels, images = tmp_path / 'labels', tmp_path / 'Bilder 牛'
    cow = [shape(square(2, 2, 5))]
    files = [write_labelme(labels / 'a.json', cow, image='..\\Bilder 牛\\A 1.JPG'),
             write_labelme(labels / 'sub/b.json', cow, image='b.jpg'),
             write_labelme(labels / 'c.json', cow, image='renamed.jpg')]
    for name in ('A 1.JPG', 'sub/b.jpg', 'C.PNG'):
        write_image(images / name)
    builder = CocoBuilder(images)
    read_labelme(files, builder, [images])
    assert [image['file_name'] for image in builder.content()['images']] == [
        'A 1.JPG', 'sub/b.jpg', 'C.PNG']
    assert [finding[1:] for finding in builder.findings] == [
        ('', 'note', "there is no image 'renamed.jpg' (imagePath): C.PNG is taken by its name")]


def test_images_that_are_not_found(tmp_path):
    cow = [shape(square(2, 2, 5))]
    files = [write_labelme(tmp_path / 'a.json', cow, image='gone.jpg'),
             write_labelme(tmp_path / 'b.json', cow, image='gone.jpg', imageData='aGFsbG8='),
             write_labelme(tmp_path / 'c.json', cow, image='gone.jpg'),
             write_labelme(tmp_path / 'd.json', cow, image=7)]
    write_image(tmp_path / 'c.jpg')
    write_image(tmp_path / 'c.png')
    builder = CocoBuilder(tmp_path)
    read_labelme(files, builder)
    for finding, words in zip(builder.findings, (
            'bring it back, or give its folder by --images',
            'the file holds a copy of it: save it beside as an image',
            'but c.jpg, c.png: keep one of them', 'there is no image 7'), strict=True):
        assert finding.action == 'left out' and words in finding.reason


def test_a_size_that_is_not_known_is_not_compared(read):
    assert len(read(shape(square(2, 2, 5)), imageHeight=None)[0]) == 1



def test_document_keeps_polygons():
    rings = [[3.3, 4.25, 20.1, 5, 18, 30.7], [30, 2, 50, 2, 50, 9, 30, 9]]
    document = labelme_document('../x/a.png', *SIZE, [
        Instance('Küh', rings), Instance('calf', rings[:1], 0.9349)])
    assert json.loads(json.dumps(document)) == document
    assert {key: document[key] for key in ('imagePath', 'imageData', 'imageHeight', 'imageWidth')
            } == dict(imagePath='../x/a.png', imageData=None, imageHeight=40, imageWidth=60)
    assert [(entry['label'], np.ravel(entry['points']).tolist(), entry['group_id'],
             entry['description'], entry['shape_type']) for entry in document['shapes']] == [
        ('Küh', rings[0], 1, '', 'polygon'), ('Küh', rings[1], 1, '', 'polygon'),
        ('calf', rings[0], None, 'score 0.93', 'polygon')]
    assert labelme_document('a.png', *SIZE, [])['shapes'] == []
    with pytest.raises(ValueError, match='an instance without outline cannot be drawn'):
        labelme_document('a.png', *SIZE, [Instance('cow', [])])


@few
@given(st.integers(0, 2 ** 32 - 1), st.integers(1, 6), st.booleans())
def test_masks_read_back_as_they_were(tmp_path_factory, seed, side, has_hole):
    """Of blocks of any kind, with holes and in parts, pixel by pixel."""
    folder = tmp_path_factory.mktemp('x')
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.integers(0, 2, (8, 10)), np.ones((side, side), int))
    mask = np.pad(mask, 3)
    mask[:3, :3] = 1
    mask[1, 1] = not has_hole
    document = labelme_document('a.png', *mask.shape, [Instance('cow', mask_to_rle(mask))])
    if has_hole:
        assert [entry['shape_type'] for entry in document['shapes']] == ['mask']
    write_labelme(folder / 'a.json', document['shapes'], mask.shape)
    builder = CocoBuilder(folder)
    read_labelme([folder / 'a.json'], builder)
    annotation, = builder.content()['annotations']
    assert builder.findings == []
    assert np.array_equal(to_mask(annotation['segmentation'], *mask.shape), mask)
    assert annotation['area'] == mask.sum()


numbers = st.one_of(st.floats(-20, 80), st.integers(-5, 65), st.floats())
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3), max_leaves=4)
entries = st.fixed_dictionaries(dict(
    label=st.sampled_from(['cow', 'COW', ' cow', 'calf', '']) | anything,
    points=st.lists(st.lists(numbers, min_size=2, max_size=2), max_size=7) | anything,
    group_id=st.sampled_from([None, 1, 2]) | anything,
    shape_type=st.sampled_from(['polygon', 'rectangle', 'circle', 'mask', 'point', None])
    | anything, mask=st.sampled_from([mask_shape(np.tri(5), 0, 0)['mask']]) | anything))


@few
@given(st.lists(entries | anything, max_size=6))
def test_no_file_crashes_the_reader_or_loses_a_shape(tmp_path_factory, shapes):
    folder = tmp_path_factory.mktemp('x')
    path = write_image(folder / 'a.png', SIZE).with_suffix('.json')
    path.write_text(json.dumps(dict(shapes=shapes, imagePath='a.png')))
    builder = CocoBuilder(folder, LabelNames(name='cow'))
    read_labelme([path], builder)
    annotations = annotations_of(builder)
    grouped = sum(isinstance(entry, dict) and entry['group_id'] is not None for entry in shapes)
    dropped = {name for finding in builder.findings if finding.action == 'dropped'
               for name in finding.shape.split(', ')}
    # a shape of its own is an instance of its own, or dropped
    assert len(shapes) - grouped <= len(annotations) + len(dropped) <= len(shapes)
    for annotation in annotations:
        assert annotation['area'] == to_mask(annotation['segmentation'], *SIZE).sum() > 0


def test_real_labels_come_back_point_by_point(shared, tmp_path):
    files = sorted((shared / 'data/pigs').glob('*.json'))[:60]
    builder = CocoBuilder(shared / 'data/pigs')
    read_labelme(files, builder)
    content = builder.content()
    assert builder.findings == []
    for path, image in zip(files, content['images'], strict=True):
        drawn = json.loads(path.read_text(encoding='utf-8'))
        found = [ann for ann in content['annotations'] if ann['image_id'] == image['id']]
        document = labelme_document(drawn['imagePath'], image['height'], image['width'], [
            Instance('pig', ann['segmentation']) for ann in found])
        assert [entry['points'] for entry in document['shapes']] == [
            entry['points'] for entry in drawn['shapes']]
