"""COCO -> LabelMe -> COCO: areas, crowds, parts, categories and ids stay."""
import json

import numpy as np
import pytest

from benchmarks.fuzz_coco import areas
from plugin.datasets.labels import convert, to_labelme
from plugin.datasets.labels.polygons import mask_to_rle
from tests.helpers.coco_exports import HEIGHT, WIDTH, export, square, write

MASK = np.zeros((HEIGHT, WIDTH), np.uint8)
MASK[5:15, 5:15] = 1
MASK[20:30, 30:40] = 1
RING = MASK.copy()
RING[8:10, 8:10] = 0


def round_trip(path, content):
    """The COCO file that comes back, and what was told on the way there."""
    folder = path.parent
    there = to_labelme(path, folder / 'labelme', images=folder)
    back = convert('labelme', folder / 'labelme', folder / 'back.json', images=folder)
    assert [one for one in back.findings if one.action != 'note'] == []
    return json.loads(back.path.read_text()), there


@pytest.mark.parametrize('crowd', [0, 1])
@pytest.mark.parametrize('segmentation', [
    [square()], [square(5, 5, 20), square(10, 10, 5)], [square(), square(30, 20)],
    [square(5, 5, 20), square(15, 15, 20)], [square(50, 30, 20)],
    [[5, 5, 25, 25, 25, 5, 5, 25]], [square(5, 5, 20), square(5, 5, 20)],
    mask_to_rle(MASK), mask_to_rle(RING)])
def test_areas_and_crowds_come_back(tmp_path, segmentation, crowd):
    content = export(segmentation=segmentation, iscrowd=crowd)
    path = write(tmp_path, content)
    # areas as converters compute them
    same = convert('coco', path, tmp_path / 'same.json').path
    round_trip(same, content)
    assert areas(tmp_path / 'back.json') == areas(same)


def test_ids_and_categories_come_back(tmp_path):
    content = export()
    for place, image in enumerate(content['images']):
        image['id'] = 70 - place
        content['annotations'][place].update(image_id=70 - place, category_id=3)
    content['categories'] = [dict(id=7, name='calf', supercategory='herd'), dict(id=3, name='cow')]
    back, _ = round_trip(write(tmp_path, content), content)
    assert [(one['id'], one['file_name']) for one in back['images']] == [
        (70, 'p1.png'), (69, 'p2.png')]
    assert back['categories'] == content['categories']
    assert [one['image_id'] for one in back['annotations']] == [70, 69]


def test_a_part_that_two_animals_share_stays_in_both(tmp_path):
    content = export(1, segmentation=[square(), square(40, 20)], area=200)
    content['annotations'].append(dict(content['annotations'][0], id=2, segmentation=[
        square(20, 20), square(40, 20)]))
    back, _ = round_trip(write(tmp_path, content), content)
    assert [one['area'] for one in back['annotations']] == [200, 200]


def test_ids_that_are_taken_give_way(tmp_path):
    path = write(tmp_path, export())
    to_labelme(path, tmp_path / 'labelme', images=tmp_path)
    for name in ('p1', 'p2'):
        file = tmp_path / f'labelme/{name}.json'
        content = json.loads(file.read_text())
        content['coco']['image_id'] = 5
        file.write_text(json.dumps(content))
    back = convert('labelme', tmp_path / 'labelme', tmp_path / 'back.json', images=tmp_path)
    assert [one['id'] for one in json.loads(back.path.read_text())['images']] == [5, 6]


@pytest.mark.parametrize('odd', [5, [], {}, dict(image_id='x', categories=[5, {}]),
                                 dict(image_id=True, categories={}), dict(image_id=10 ** 30)])
def test_odd_memories_are_passed_over(tmp_path, odd):
    to_labelme(write(tmp_path, export()), tmp_path / 'labelme', images=tmp_path)
    file = tmp_path / 'labelme/p1.json'
    file.write_text(json.dumps(dict(json.loads(file.read_text()), coco=odd)))
    back = convert('labelme', tmp_path / 'labelme', tmp_path / 'back.json', images=tmp_path)
    assert sorted(one['id'] for one in json.loads(back.path.read_text())['images']) == [2, 3]


def test_what_cannot_be_drawn_is_said(tmp_path):
    content = export(segmentation=[square(5, 5, 20), square(10, 10, 5)])
    content['annotations'][1]['iscrowd'] = 1
    done = to_labelme(write(tmp_path, content), tmp_path / 'labelme', images=tmp_path)
    assert done.instances == 1
    assert 'annotation 1 of p1.png: a polygon within another' in done.notes[1]
    assert '1 crowd cannot be drawn as such in LabelMe' in done.notes[2]
