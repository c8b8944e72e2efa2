"""COCO files of other tools: refused by every reader with one cure, and mended by it."""
import copy
import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.fuzz_coco import attempt, try_file
from plugin.datasets.labels import LabelsError, convert
from plugin.datasets.labels.polygons import mask_to_rle
from plugin.utils import UserError
from tests.helpers.coco_exports import (
    HEIGHT,
    WIDTH,
    export,
    findings,
    mended,
    square,
    write,
)

MASK = np.zeros((HEIGHT, WIDTH), np.uint8)
MASK[5:15, 5:15] = 1
RLE = mask_to_rle(MASK)
RUNS = [5 * HEIGHT + 5, *[10, HEIGHT - 10] * 9, 10, WIDTH * HEIGHT - (14 * HEIGHT + 15)]


def only_bare(change):
    def apply(content):
        for part in ('images', 'annotations'):
            for entry in content[part]:
                change(part, entry)
    return apply


def texts(part, entry):
    if part == 'annotations':
        entry['image_id'] = str(entry['image_id'])


@pytest.mark.parametrize(('change', 'code', 'words'), [
    (only_bare(texts), 'coco-text-id', 'are texts: read as numbers'),
    (lambda c: c['annotations'][1].update(id=1), 'coco-twice', 'occur more than once: numbered'),
    (lambda c: c['annotations'][0].pop('area'), 'coco-lacks', 'area is missing or no number'),
    (lambda c: c['annotations'][0].update(bbox=None), 'coco-box', 'bbox is missing or no number'),
    (lambda c: c['images'][0].pop('height'), 'coco-lacks', 'those of the image are taken'),
    (lambda c: c['annotations'][0].update(iscrowd='0'), 'coco-iscrowd', "iscrowd is '0': taken as"),
    (lambda c: c['images'][0].update(file_name='images\\p1.png'), 'coco-file-name',
     'p1.png is taken for it'),
    (lambda c: c['images'][0].update(file_name='C:/data/cows/p1.png'), 'coco-file-name',
     'p1.png is taken for it'),
    (lambda c: c['images'][0].update(file_name='http://ls:8080/upload/3/p1.png'),
     'coco-file-name', 'p1.png is taken for it'),
])
def test_every_reader_refuses_and_the_converter_mends(tmp_path, change, code, words):
    content = export()
    change(content)
    path = write(tmp_path, content)
    said = try_file(path, tmp_path, tmp_path)
    assert all(said.values()) and code in findings(path)
    assert 'pasture convert coco' in said['reader'] and 'coco_to_coco.py' in said['reader']
    found, told = mended(path)
    assert [(one['image_id'], one['area']) for one in found['annotations']] == [(1, 100), (2, 100)]
    assert [image['file_name'] for image in found['images']] == ['p1.png', 'p2.png']
    assert any(words in line for line in told), told
    assert not any(try_file(tmp_path / 'out.json', tmp_path, tmp_path / 'again').values())


@pytest.mark.parametrize(('segmentation', 'words'), [
    (square(), 'one flat list of numbers'),
    (np.reshape(square(), (-1, 2)).tolist(), 'a list of points [x, y]'),
    ([np.reshape(square(), (-1, 2)).tolist()], 'lists of points [x, y]'),
    ([list(map(str, square()))], 'numbers written as text'),
    (json.dumps([square()]), 'text that holds JSON'),
    ([RLE], 'an RLE in a list'),
    (dict(RLE, counts=repr(RLE['counts'].encode())), "counts are the text b'...'"),
    (dict(size=[HEIGHT, WIDTH], counts=' '.join(map(str, RUNS))), 'whose runs are text'),
    (dict(size=[HEIGHT, WIDTH], counts=list(map(float, RUNS))), 'whose runs are fractions'),
    (dict(counts=RUNS), 'without its size'),
])
def test_forms_of_outlines(tmp_path, segmentation, words):
    path = write(tmp_path, export(segmentation=segmentation))
    said = try_file(path, tmp_path, tmp_path)
    assert all(said.values()) and findings(path) == ['outline-form']
    assert words.partition(' [')[0] in said['reader'] or words in said['reader']
    found, told = mended(path)
    assert found['annotations'][0]['area'] == 100
    assert any('data.json: p1.png | annotation 1 | mended' in line and words in line
               for line in told), told


@pytest.mark.parametrize('segmentation', [
    dict(RLE, counts=RLE['counts'][:-3]), dict(RLE, size=[WIDTH, HEIGHT]),
    dict(RLE, counts="b'" + RLE['counts'][:-3] + "'"), [], [[5, 5, 9, 9]], None])
def test_what_is_not_certain_is_left_out_by_name(tmp_path, segmentation):
    path = write(tmp_path, export(segmentation=segmentation))
    assert all(try_file(path, tmp_path, tmp_path).values())
    found, told = mended(path)
    # an image whose only animal was dropped is none without animals: its box is ignored
    assert [one['file_name'] for one in found['images']] == ['p1.png', 'p2.png']
    assert sorted((one['image_id'], one['iscrowd'], one['bbox']) for one in found[
        'annotations']) == [(1, 1, [5, 5, 10, 10]), (2, 0, [5, 5, 10, 10])]
    assert any('p1.png | annotation 1 | dropped' in line and 'its area is ignored' in line
               for line in told), told


def test_a_fragment_beside_an_outline_is_left_out_by_all(tmp_path):
    path = write(tmp_path, export(segmentation=[square(), [30, 5, 31, 5], []]))
    assert not any(try_file(path, tmp_path, tmp_path).values())
    assert findings(path, 'note') == ['outline-fragment', 'picture-unlisted']
    found, told = mended(path)
    assert found['annotations'][0]['segmentation'] == [square()]
    assert any('part 2 | dropped | that part has 2 points; 1 of its 3 parts are good' in line
               for line in told)


def test_a_part_of_which_nothing_is_certain_is_named(tmp_path):
    path = write(tmp_path, export(segmentation=[square(), [30, 5, 31, 5, 8]]))
    said = try_file(path, tmp_path, tmp_path)
    assert all(said.values())
    assert 'has a part of which no outline can be made (part 2 has 5 numbers, an odd' in said[
        'split']


def test_roboflow_groups_by_category_zero(tmp_path):
    content = export()
    content['categories'] = [dict(id=0, name='herd', supercategory='none'),
                             dict(id=1, name='cow', supercategory='herd'),
                             dict(id=2, name='pig', supercategory='herd')]
    for one in content['annotations']:
        one['id'] -= 1
    path = write(tmp_path, content)
    assert findings(path) == [] and 'category-groups' in findings(path, 'note')
    found, told = mended(path)
    assert [(one['id'], one['name']) for one in found['categories']] == [(1, 'cow'), (2, 'pig')]
    assert any('the category herd has no annotation and only groups the others' in line
               for line in told)


def test_the_cure_of_a_grouping_category_is_to_skip_it(tmp_path):
    from plugin.datasets.cattle import CattleDataset
    content = export()
    content['categories'] = [dict(id=0, name='herd'), dict(id=1, name='cow', supercategory='herd')]
    settings = dict(ann_file=str(write(tmp_path, content)), metainfo=dict(classes=('cow', )),
                    data_prefix=dict(img=str(tmp_path)), pipeline=[])
    with pytest.raises(UserError, match=r"leave it out by skip_categories=\('herd',\)"):
        CattleDataset(**settings)
    assert len(CattleDataset(**settings, skip_categories=('herd', ))) == 2


def test_categories_that_differ_in_case_are_one(tmp_path):
    content = export()
    content['categories'] += [dict(id=7, name='Cow '), dict(id=9, name='calf')]
    content['annotations'][1]['category_id'] = 7
    path = write(tmp_path, content)
    assert 'category-case' in findings(path, 'warning')
    found, told = mended(path)
    assert [one['name'] for one in found['categories']] == ['Cow', 'calf'] or [
        one['name'] for one in found['categories']] == ['cow', 'calf']
    assert {one['category_id'] for one in found['annotations']} == {1}
    assert any('merged' in line and 'is taken as' in line for line in told)


def test_crowds_are_told_and_may_be_single_animals(tmp_path):
    content = export(4)
    for one in content['annotations'][:2]:
        one['iscrowd'] = 1
    path = write(tmp_path, content)
    assert 'outline-crowd' in findings(path, 'warning')
    said = []
    from plugin.datasets.labels.coco_file import read_coco
    said = [note.text for note in read_coco(str(path)).notes]
    assert said == [f'2 of 4 annotations of {path} are marked iscrowd and are neither learned '
                    'nor counted']
    kept = convert('coco', path, tmp_path / 'kept.json')
    assert (kept.instances, kept.crowds) == ({'cow': 2}, 2)
    single = convert('coco', path, tmp_path / 'single.json', crowds='single')
    assert (single.instances, single.crowds) == ({'cow': 4}, 0)


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-16-le', 'cp1252'])
def test_encodings(tmp_path, encoding):
    content = export()
    content['categories'][0]['name'] = 'Kühe'
    path = write(tmp_path, content)
    path.write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    found, told = mended(path)
    assert found['categories'][0]['name'] == 'Kühe'
    refused = [bool(text) for text in try_file(path, tmp_path, tmp_path).values()]
    if encoding == 'cp1252':
        assert all(refused) and any('was read as cp1252' in line for line in told)
    else:
        assert not any(refused) and not any('encoding' in line for line in told)


def test_an_encoding_is_the_one_in_which_the_images_are_found(tmp_path):
    content = export()
    content['images'][0]['file_name'] = '奶牛栏.png'
    path = write(tmp_path, content)
    (tmp_path / 'p1.png').rename(tmp_path / '奶牛栏.png')
    path.write_bytes(json.dumps(content, ensure_ascii=False).encode('gb18030'))
    found, told = mended(path)
    assert found['images'][0]['file_name'] == '奶牛栏.png' and any('gb18030' in one for one in told)


@pytest.mark.parametrize('turned', [True, False])
def test_sizes_that_exif_swaps(tmp_path, turned):
    """Outlines reach beyond the size that is written, and fit the image as it is shown."""
    content = export(1, segmentation=[square(5, 40, 10)], bbox=[5, 40, 10, 10])
    path = write(tmp_path, content)
    stored = (WIDTH, HEIGHT) if turned else (HEIGHT, WIDTH)
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    Image.new('RGB', stored).save(tmp_path / 'p1.jpg', exif=exif)
    content['images'][0]['file_name'] = 'p1.jpg'
    path.write_text(json.dumps(content))
    assert 'size-swapped' in findings(path)
    found, told = mended(path)
    assert (found['images'][0]['width'], found['images'][0]['height']) == (HEIGHT, WIDTH)
    assert found['annotations'][0]['area'] == 100
    assert any('swapped' in line and ('EXIF' in line) == turned for line in told)


def test_sizes_that_could_be_either_are_left_out(tmp_path):
    content = export()
    content['images'][0].update(height=WIDTH, width=HEIGHT)
    found, told = mended(write(tmp_path, content))
    assert [image['file_name'] for image in found['images']] == ['p2.png']
    assert any('p1.png |  | left out | the labels are for 40x60' in line for line in told)


def test_several_files_are_put_together(tmp_path):
    for name in ('a', 'b'):
        content = export()
        content['categories'] = [dict(id=5, name='cow' if name == 'a' else 'pig')]
        for one in content['annotations']:
            one['category_id'] = 5
        write(tmp_path / name, content)
    done = convert('coco', [tmp_path / 'a/data.json', tmp_path / 'b/data.json'],
                   tmp_path / 'out.json')
    assert done.instances == {'cow': 2, 'pig': 2} and done.images == 4
    content = json.loads(done.path.read_text())
    assert [one['id'] for one in content['annotations']] == [1, 2, 3, 4]
    assert [one['file_name'] for one in content['images']] == [
        'a/p1.png', 'a/p2.png', 'b/p1.png', 'b/p2.png']


def test_two_files_about_one_image(tmp_path):
    cows, pigs = export(1), export(1, segmentation=[square(20, 20)])
    pigs['categories'][0]['name'] = 'pig'
    write(tmp_path, cows, 'cows.json')
    write(tmp_path, pigs, 'pigs.json')
    done = convert('coco', [tmp_path / 'cows.json', tmp_path / 'pigs.json'], tmp_path / 'o.json')
    assert done.images == 1 and done.instances == {'cow': 1, 'pig': 1}
    assert [one.action for one in done.findings if one.file.startswith('pigs')] == ['merged']


def test_images_of_one_id_are_not_guessed(tmp_path):
    content = export()
    content['images'][1]['id'] = 1
    path = write(tmp_path, content)
    assert all(try_file(path, tmp_path, tmp_path).values())
    with pytest.raises(LabelsError) as error:
        convert('coco', path, tmp_path / 'out.json')
    lost = [one for one in error.value.findings if 'several images' in one.reason]
    assert [one.file for one in lost] == ['data.json: p1.png', 'data.json: p2.png']
    assert 'several images have the id 1' in lost[0].reason


def test_different_names_are_not_one_image(tmp_path):
    content = export()
    for number, image in enumerate(content['images']):
        image['file_name'] = f'cam{number}\\p1.png'
    with pytest.raises(LabelsError) as error:
        convert('coco', write(tmp_path, content), tmp_path / 'out.json')
    assert '2 different names could mean the image p1.png' in error.value.findings[0].reason


def test_what_else_a_file_says_stays(tmp_path):
    content = dict(export(attributes=dict(occluded=True)), info=dict(year=2026))
    content['images'][0]['date_captured'] = 'today'
    content['categories'][0]['supercategory'] = 'animal'
    found, _ = mended(write(tmp_path, content))
    assert found['info'] == dict(year=2026)
    assert found['images'][0]['date_captured'] == 'today'
    assert found['annotations'][0]['attributes'] == dict(occluded=True)
    assert found['categories'] == [dict(id=1, name='cow', supercategory='animal')]


def test_images_without_annotations_and_annotations_without_images(tmp_path):
    content = export(3)
    content['annotations'][1]['image_id'] = 99
    found, told = mended(write(tmp_path, content))
    assert len(found['images']) == 3 and len(found['annotations']) == 2
    assert any('annotation 2 | dropped | it belongs to image 99' in line for line in told)


def test_a_ring_inside_a_ring_is_a_union(tmp_path):
    content = export(segmentation=[square(5, 5, 20), square(10, 10, 5)])
    found, _ = mended(write(tmp_path, content))
    assert found['annotations'][0]['area'] == 400
    assert found['annotations'][0]['segmentation'] == [square(5, 5, 20), square(10, 10, 5)]


def test_a_file_without_fault_stays_as_it_is(tmp_path):
    content = export(3)
    found, told = mended(write(tmp_path, copy.deepcopy(content)))
    for part in ('images', 'categories'):
        assert found[part] == content[part]
    assert [dict(one, bbox=[int(side) for side in one['bbox']]) for one in found['annotations']
            ] == content['annotations']
    assert [line for line in told if 'images without labels' not in line] == []


def test_names_stay_relative_to_the_folder_of_images(tmp_path):
    content = export()
    write(tmp_path / 'images', content)
    path = tmp_path / 'train.json'
    path.write_text(json.dumps(content))
    found, _ = mended(path)
    assert [image['file_name'] for image in found['images']] == ['p1.png', 'p2.png']


def test_attempt_lets_bugs_through():
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 / 0)
