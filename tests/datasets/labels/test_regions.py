"""Regions to ignore, from the files of five tools to COCO, the data sets, and back."""
import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from plugin.datasets.doctor import examine_path
from plugin.datasets.labels import convert, regions, to_labelme
from plugin.datasets.labels.coco_file import read_coco
from plugin.datasets.labels.label_names import LabelNames
from plugin.datasets.labels.printing import print_conversion
from plugin.datasets.splits import split
from plugin.utils import UserError
from tests.helpers.coco_exports import export, mended, square, write
from tests.helpers.region_files import COW, DRAWN, FAR, HEIGHT, NEAR, TOOLS, WIDTH, write_labels
from tests.helpers.small_labels import shape, write_labelme
from tests.helpers.small_labels import square as corners


def filled(points):
    """Pixels of a polygon of whole numbers, as pycocotools fills them."""
    return coco_mask.decode(coco_mask.frPyObjects(
        [np.ravel(points).astype(float).tolist()], HEIGHT, WIDTH))[..., 0]


def converted(tool, folder, **options):
    source = write_labels(tool, folder)
    return convert(tool, source, folder / 'data.json', images=folder / 'images', **options)


@pytest.mark.parametrize('tool', TOOLS)
def test_every_tool_gives_the_same_regions(tool, tmp_path):
    done = converted(tool, tmp_path)
    assert done.instances == {'calf': 1, 'cow': 1} and (done.regions, done.crowds) == (2, 0)
    coco = COCO(str(done.path))
    assert {one['name'] for one in coco.cats.values()} == {'cow', 'calf'}
    found = {}
    for one in coco.anns.values():
        if one['iscrowd']:
            found.setdefault(one['ignore_region'], []).append(one)
    assert len(found) == 2 and coco.imgs[found[1][0]['image_id']]['file_name'] == 'pen.png'
    for entries, points in zip(found.values(), (FAR, NEAR), strict=True):
        # a crowd of each category, so that any reader of COCO files knows it
        assert sorted(one['category_id'] for one in entries) == [1, 2]
        for one in entries:
            assert (coco.annToMask(one) == filled(points)).all()
            assert one['area'] == filled(points).sum()


@pytest.mark.parametrize('tool', TOOLS)
def test_names_and_choices_of_classes_do_not_touch_regions(tool, tmp_path):
    done = converted(tool, tmp_path, name='cattle')
    assert done.instances == {'cattle': 2} and done.regions == 2
    done = converted(tool, tmp_path / 'some', labels=['calf'])
    assert done.instances == {'calf': 1} and done.regions == 2


@pytest.mark.parametrize('tool', TOOLS)
def test_the_way_to_labelme_and_back_keeps_regions(tool, tmp_path):
    first = converted(tool, tmp_path)
    drawn = to_labelme(first.path, tmp_path / 'labelme', images=tmp_path / 'images')
    assert drawn.instances == 2
    shapes = json.loads((tmp_path / 'labelme/pen.json').read_text())['shapes']
    assert [one['label'] for one in shapes].count('ignore') == 2 and len(shapes) == 4
    assert all(one['flags'] == {} for one in shapes)
    back = convert('labelme', tmp_path / 'labelme', tmp_path / 'back.json',
                   images=tmp_path / 'images')
    one, two = (json.loads(path.read_text()) for path in (first.path, back.path))
    assert one['categories'] == two['categories'] and back.regions == 2
    for key in ('category_id', 'area', 'iscrowd', 'ignore_region', 'bbox'):
        assert sorted(str(a.get(key)) for a in one['annotations']) == sorted(
            str(a.get(key)) for a in two['annotations'])


def test_our_own_files_are_read_again(tmp_path):
    done = converted('labelme', tmp_path)
    again = convert('coco', done.path, tmp_path / 'again.json', images=tmp_path / 'images',
                    crowds='single')
    assert again.regions == 2 and again.instances == done.instances and not again.crowds
    keys = ('image_id', 'category_id', 'bbox', 'area', 'iscrowd', 'segmentation', 'ignore_region')
    one, two = (json.loads(path.read_text())['annotations'] for path in (done.path, again.path))
    assert [[a.get(k) for k in keys] for a in one] == [[a.get(k) for k in keys] for a in two]
    assert not [f for f in again.findings if f.action in ('dropped', 'mended')]


def test_what_is_printed(tmp_path, capsys):
    print_conversion(converted('labelme', tmp_path))
    assert '1 of them without animals; 1 calf, 1 cow, 2 regions to ignore' in ' '.join(
        capsys.readouterr().out.split())


def test_ignore_is_no_class(tmp_path):
    for arguments in ((['cow', 'Ignore'], None), ((), ' ignore')):
        with pytest.raises(UserError, match="'ignore' marks regions to ignore and is no class"):
            LabelNames(*arguments)
    write_labelme(tmp_path / 'a.json', [shape(corners(5, 5, 20), 'IGNORE')])
    with pytest.raises(UserError, match='no animal is left: name the class'):
        convert('labelme', tmp_path, tmp_path / 'data.json')
    done = convert('labelme', tmp_path, tmp_path / 'data.json', name='cow')
    assert done.instances == {'cow': 0} and done.regions == 1


def test_a_region_may_have_a_hole_and_several_parts(tmp_path):
    write_labelme(tmp_path / 'a.json', [
        shape(corners(5, 5, 20), 'ignore', 1), shape(corners(10, 10, 5), 'ignore', 1),
        shape(corners(40, 5, 10), 'ignore', 1), shape(corners(30, 20, 4), 'cow')])
    done = convert('labelme', tmp_path, tmp_path / 'data.json')
    region, = (one for one in json.loads(done.path.read_text())['annotations'] if one['iscrowd'])
    assert region['area'] == 400 - 25 + 100


def test_via_boxes_and_further_attributes(tmp_path):
    source = write_labels('via', tmp_path)
    content = json.loads(source.read_text())
    pen = list(content['_via_img_metadata'].values())[1]
    for region, (label, _) in zip(pen['regions'], DRAWN, strict=True):
        region['region_attributes'] = dict(animal={label.lower(): True, 'seen': False})
    source.write_text(json.dumps(content))
    done = convert('via', source, tmp_path / 'a.json', images=tmp_path / 'images')
    assert done.instances == {'calf': 1, 'cow': 1} and done.regions == 2
    for region, (label, _) in zip(pen['regions'], DRAWN, strict=True):
        region['region_attributes'] = dict(kind='animal', note=label)
    source.write_text(json.dumps(content))
    done = convert('via', source, tmp_path / 'b.json', images=tmp_path / 'images', name='cattle')
    assert done.instances == {'cattle': 2} and done.regions == 2


@pytest.mark.parametrize('mark', [1, True, '1', 'true'])
def test_a_coco_annotation_with_ignore_is_a_crowd(mark, tmp_path):
    path = write(tmp_path, export(ignore=mark))
    annotations = read_coco(str(path)).annotations
    assert annotations[1][0]['iscrowd'] == 1 and 'ignore' not in annotations[1][0]
    assert annotations[2][0]['iscrowd'] == 0
    content, told = mended(path, crowds='single')
    assert [one['iscrowd'] for one in content['annotations']] == [1, 0]
    assert 'ignore' not in content['annotations'][0]
    assert any('it is marked ignore: taken as a crowd' in line for line in told)
    path = write(tmp_path, export(ignore=0))
    assert [one['iscrowd'] for one in mended(path)[0]['annotations']] == [0, 0]


def test_a_category_ignore_is_read_as_regions(tmp_path):
    source = write_labels('coco', tmp_path)
    before = source.read_bytes()
    coco = read_coco(str(source))
    assert coco.categories == {'cow': 1, 'calf': 3} and source.read_bytes() == before
    found = [one for one in coco.annotations[1] if one['iscrowd']]
    assert [(one['category_id'], one['ignore_region']) for one in found] == [
        (1, 1), (3, 1), (1, 2), (3, 2)]
    ids = [one['id'] for one in coco.content['annotations']]
    assert len(set(ids)) == len(ids) == 6


def test_the_doctor_names_regions_and_counts_animals_alone(tmp_path):
    for source in (write_labels('coco', tmp_path), converted('cvat', tmp_path / 'cvat').path):
        report = examine_path(source)
        note, = (one for one in report.findings if one.code == 'ignore-region')
        assert note.severity == 'note' and note.message.startswith('2 regions of')
        assert not [one for one in report.findings if one.code == 'outline-crowd']
        rows = {row['name']: row['objects'] for row in report.parts[0]['classes']}
        assert rows == {'cow': 1, 'calf': 1}


def box(points):
    (left, top), (right, bottom) = np.min(points, 0), np.max(points, 0)
    return [left, top, right, top, right, bottom, left, bottom]


numbers = st.one_of(st.integers(-20, 90), st.floats(-1e3, 1e3), st.sampled_from(
    [float('nan'), float('inf'), 1e9]))


@settings(max_examples=80, deadline=None)
@given(st.lists(numbers, max_size=14))
def test_the_area_of_what_is_dropped(outline):
    """At least what OpenCV fills of whole points lies in it, and it lies in the box of them."""
    area = regions.area_to_ignore(outline, HEIGHT, WIDTH)
    if area is None:
        return
    mask = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(area, HEIGHT, WIDTH))) \
        if isinstance(area, list) else coco_mask.decode(area)
    assert mask.sum() >= regions.LEAST
    points = np.reshape(outline, (-1, 2))
    points = points[(np.abs(points) <= 1e6).all(axis=1)]
    low, high = np.floor(points.min(0)) - 1, np.ceil(points.max(0)) + 1
    rows, columns = np.nonzero(mask)
    assert (columns >= low[0]).all() and (columns <= high[0]).all()
    assert (rows >= low[1]).all() and (rows <= high[1]).all()
    if len(points) == len(outline) // 2 >= 3 and (points == points.round()).all():
        drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(drawn, [points.astype(np.int32)], 1)
        inner = cv2.erode(drawn, np.ones((3, 3), np.uint8), borderValue=0)
        assert mask[inner > 0].all()


@pytest.mark.parametrize('outline', [
    [], [5, 5], [5, 5, 5, 5, 5, 5], [5, 5, 50, 5], [5, 5, 6, 6], [500, 500, 600, 500, 600, 600],
    [1, 2, 3], [float('nan')] * 6])
def test_where_no_area_is_known(outline):
    assert regions.area_to_ignore(outline, HEIGHT, WIDTH) is None


def areas(path):
    """Areas of the animals, and of the regions."""
    content = json.loads(path.read_text())
    return [[one['area'] for one in content['annotations'] if ('ignore_region' in one) is taken]
            for taken in (False, True)]


def test_what_is_dropped_becomes_a_region(tmp_path):
    write_labelme(tmp_path / 'a.json', [
        shape(corners(2, 2, 10)), shape([[20, 5], [40, 25]]), shape([[50, 10]]),
        shape(corners(45, 25, 8), label=7), shape([[44, 2], [48, 6]], kind='line')])
    done = convert('labelme', tmp_path, tmp_path / 'data.json')
    assert areas(done.path) == [[100], [64, 16, 400]]
    told = {one.shape: one for one in done.findings}
    assert {one.action for one in done.findings} == {'dropped'} and len(told) == 4
    for name in ('shape 2', 'shape 4', 'shape 5'):
        assert told[name].reason.endswith('its area is ignored in training')
    assert 'ignored' not in told['shape 3'].reason
    drawn = json.loads(done.path.read_text())['annotations']
    assert [one.get('dropped', '')[:22] for one in drawn if one['iscrowd']] == [
        'its label 7 is no name', 'a line outlines nothin', 'it has 2 distinct poin']


def test_an_image_with_lost_outlines_is_no_pure_background(tmp_path):
    write_labelme(tmp_path / 'known.json', [shape([[20, 5], [40, 25]])])
    write_labelme(tmp_path / 'unknown.json', [shape([[20, 5]])])
    # a region elsewhere does not tell where the lost one lies
    write_labelme(tmp_path / 'both.json', [shape([[20, 5]]), shape(corners(2, 2, 10), 'ignore')])
    write_labelme(tmp_path / 'empty.json', [])
    done = convert('labelme', tmp_path, tmp_path / 'data.json', name='cow')
    content = json.loads(done.path.read_text())
    assert [one['file_name'] for one in content['images']] == ['empty.png', 'known.png']
    left_out = [one.file for one in done.findings if one.action == 'left out']
    assert left_out == ['both.json', 'unknown.json'] and areas(done.path) == [[], [400]]


def test_boxes_without_outlines_become_regions(tmp_path):
    content, told = mended(write(tmp_path, export(segmentation=[])))
    region, animal = sorted(content['annotations'], key=lambda one: one['image_id'])
    assert (region['iscrowd'], region['area'], animal['iscrowd']) == (1, 100, 0)
    assert any('only the box [5, 5, 10, 10]: draw it; its area is ignored' in line
               for line in told)
    for lost in (dict(segmentation=[], bbox=None), dict(segmentation=[], bbox=['a'] * 4)):
        content, told = mended(write(tmp_path, export(**lost)))
        assert [one['file_name'] for one in content['images']] == ['p2.png']
        assert any('p1.png' in line and 'left out' in line for line in told)


def test_of_an_unknown_class_the_outline_is_ignored(tmp_path):
    parts = [square(), square(30, 5, 6)]
    content, told = mended(write(tmp_path, export(category_id=9, segmentation=parts)))
    region = content['annotations'][0]
    assert (region['iscrowd'], region['area'], region['image_id']) == (1, 136, 1)
    assert sum('its class is unknown' in line for line in told) == 1


def test_a_fragment_beside_an_outline_leaves_no_region(tmp_path):
    content, _ = mended(write(tmp_path, export(segmentation=[square(), [3.0, 3.0, 9.0, 9.0]])))
    assert [one['iscrowd'] for one in content['annotations']] == [0, 0]


def test_what_a_tool_cannot_say(tmp_path):
    """Damaged shapes of CVAT, VIA and YOLO: their place is known as well."""
    drawn = (('cow', COW), ('calf', [(60, 10), (80, 30)]), ('cow', FAR))
    for tool in ('cvat', 'via', 'labelme'):
        folder = tmp_path / tool
        source = write_labels(tool, folder, drawn)
        done = convert(tool, source, folder / 'data.json', images=folder / 'images')
        assert areas(done.path)[1] == [400], tool
    source = write_labels('yolo', tmp_path / 'yolo', drawn)
    (source.parent / 'data.yaml').write_text('names: [cow]\n')
    path = source / 'pen.txt'
    rows = path.read_text().splitlines()
    path.write_text('\n'.join([rows[0], '5' + rows[2][1:]]))
    done = convert('yolo', source, tmp_path / 'yolo/data.json', images=tmp_path / 'yolo/images')
    assert areas(done.path)[1] == [filled(FAR).sum()]
    assert 'class 5 has no name' in done.findings[0].reason


def test_parts_of_a_set_keep_their_regions(tmp_path):
    source = write_labels('coco', tmp_path)
    split(source, val=0.5, out_dir=tmp_path / 'parts', duplicates='ignore')
    found = [json.loads(path.read_text()) for path in (tmp_path / 'parts').glob('*.json')]
    assert len(found) == 2
    for content in found:
        # a reader that knows no regions sees crowds
        assert [one['name'] for one in content['categories']] == ['cow', 'calf']
    crowds = [one for content in found for one in content['annotations'] if one['iscrowd']]
    assert len(crowds) == 4 and {one['ignore_region'] for one in crowds} == {1, 2}
