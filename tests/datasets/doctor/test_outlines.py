"""What the doctor says of outlines and COCO files."""
import json

import numpy as np
import pytest
from mmcv.transforms import RandomChoice, RandomChoiceResize, RandomResize, Resize
from PIL import Image

from plugin.datasets.doctor import examine_config, examine_path
from plugin.datasets.doctor.outlines import input_factor
from tests.helpers.small_doctor import animals_config, bad, box, change, image, only, write_animals

FIRST = 'annotation 0 of Kuh ä 0.png'


@pytest.fixture
def folder(tmp_path):
    return write_animals(tmp_path / 'a b')


def redraw(folder, segmentation, place=0):
    change(folder / 'train.json', lambda content: content['annotations'][place].update(
        segmentation=segmentation))


@pytest.mark.parametrize('type', ['CattleDataset', 'CocoDataset'])
def test_a_sound_set_has_no_finding(folder, type):
    report = examine_config(animals_config(folder, type))
    assert report.findings == []
    assert report.parts[1]['classes'] == [
        dict(name=name, pictures=2, pixels=None, objects=2) for name in ('cow', 'calf')]


def test_the_same_files_drawn_into_label_maps_are_sound(folder):
    cfg = animals_config(folder)
    cfg.default_scope = 'mmseg'
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.update(
            type='CattleSegDataset', data_prefix=dict(img_path='images/'),
            pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadInstanceSegMap')])
    report = examine_config(cfg)
    assert report.findings == []
    assert [row['name'] for row in report.parts[0]['classes']] == ['cow', 'calf']


@pytest.mark.parametrize(('segmentation', 'severity', 'code', 'cure'), [
    ([], 'error', 'outline-missing', 'draw the outline or remove the annotation'),
    (box(70, 4, 90, 20), 'error', 'outline-outside', 'correct its points, or bring back the '
     'image it was drawn on'),
    ([[4, 4, 1e9, 4, 9, 9]], 'error', 'outline-outside', 'correct its points, or bring back the '
     'image it was drawn on'),
    (box(50, 4, 90, 20), 'warning', 'outline-clipped', 'draw it within the image; what lies '
     'outside is lost'),
    # a bow tie, and a square that is run round twice on an inner way
    ([[4, 4, 24, 24, 24, 4, 4, 24]], 'warning', 'outline-crosses', 'draw it again, or mend it by '
     'a converter of tools/data'),
    ([[4, 4, 30, 4, 30, 30, 4, 30, 4, 4, 20, 4, 20, 20, 4, 20]], 'warning', 'outline-crosses',
     'draw it again, or mend it by a converter of tools/data'),
    (box(4, 4, 5, 5), 'warning', 'outline-tiny', 'remove it, if it is a slip of the mouse'),
    (dict(size=[9, 9], counts=[0, 81]), 'error', 'outline-unfit', 'write the labels anew for this '
     'image'),
])
def test_a_faulty_outline(folder, segmentation, severity, code, cure):
    redraw(folder, segmentation)
    found = only(animals_config(folder), severity, code)
    assert (found.places, found.cure) == ((FIRST, ), cure)


@pytest.mark.parametrize('segmentation', [
    box(0, 0, 64.9, 48.5),  # the border, and a little more
    [[4, 4, 24, 4, 24, 24, 4, 24, 4, 4.2, 3.9, 4.1, 4.1, 4.1]],  # a hand that trembles
    dict(size=[48, 64], counts=[0, 48 * 64]),
    [*box(4, 4, 20, 20), *box(30, 4, 40, 20)],  # two parts
])
def test_an_odd_but_sound_outline(folder, segmentation):
    redraw(folder, segmentation)
    assert examine_config(animals_config(folder)).findings == []


def test_an_outline_drawn_twice(folder):
    change(folder / 'train.json', lambda content: content['annotations'].append(
        dict(content['annotations'][0], id=99)))
    found = only(animals_config(folder), 'warning', 'outline-twice')
    assert (found.places, found.cure) == (
        ('annotation 99 of Kuh ä 0.png', ), 'remove one of the two')


def test_objects_that_the_input_size_shrinks(folder):
    # the animals have a side of 18 and 27 pixels
    report = examine_config(animals_config(folder, scale=(26, 26)))
    assert bad(report) == [('warning', 'object-shrunk'), ('warning', 'object-shrunk')]
    found = report.findings[0]
    assert found.places == tuple(f'annotation {10 * k} of Kuh ä {k}.png' for k in range(3))
    assert found.message.startswith('3 of 6 objects (50.0%) of train are smaller than 8 pixels')
    assert found.message.endswith('has 7.3')
    assert found.cure == 'train at a larger scale, or on tiles of the images'


@pytest.mark.parametrize(('step', 'factor'), [
    (Resize(scale=(320, 160), keep_ratio=True), 2.0),
    (Resize(scale=(160, 320), keep_ratio=True), 2.0),
    (Resize(scale=(640, 90), keep_ratio=True), 1.125),
    (Resize(scale=(320, 320), keep_ratio=False), np.sqrt(8)),
    (Resize(scale_factor=0.5), 0.5),
    (RandomResize(scale=(320, 160), ratio_range=(0.1, 2.0), keep_ratio=True), 2.0),
    (RandomResize(scale=((80, 40), (320, 160)), keep_ratio=True), 2.0),
    (RandomResize(scale=(320, 320)), np.sqrt(8)),
    (RandomChoiceResize(scales=[(80, 40), (320, 160)], keep_ratio=True), 2.0),
    (RandomChoice([[Resize(scale=(320, 160), keep_ratio=True)], [Resize(scale_factor=0.5)]]), 2.0),
])
def test_the_size_that_the_network_sees(step, factor):
    assert input_factor([object(), step], (80, 160)) == pytest.approx(factor)
    assert input_factor([object()], (80, 160)) == 1


def test_a_image_of_another_size_than_its_outlines(folder):
    Image.new('RGB', (32, 24)).save(folder / 'images/Kuh ä 1.png')
    found = only(animals_config(folder), 'error', 'size-differs')
    assert found.places == ('images/Kuh ä 1.png', )
    assert found.cure == 'convert the labels again from the image they belong to'


def test_a_listed_image_that_is_gone_and_one_in_no_list(folder):
    (folder / 'images/Kuh ä 1.png').rename(folder / 'images/gone.png')
    report = examine_config(animals_config(folder))
    found = only(report, 'error', 'picture-missing')
    assert (found.places, found.cure) == (
        ('images/Kuh ä 1.png', ), 'restore it, or take it out of the set')
    assert [(one.code, one.places) for one in report.findings if one.severity == 'note'] == [
        ('picture-unlisted', ('images/gone.png', ))]


def test_a_image_in_no_list_that_serves_unlabelled(folder):
    image(30).save(folder / 'images/more.png')
    cfg = animals_config(folder)
    cfg.train_dataloader.dataset = dict(
        type='SemiDataset', labeled=cfg.train_dataloader.dataset, unlabeled=dict(
            type='mmseg.UnlabeledDataset', data_root=str(folder),
            data_prefix=dict(img_path='images'), pipeline=[dict(type='LoadImageFromFile')]))
    assert 'picture-unlisted' not in [one.code for one in examine_config(cfg).findings]


@pytest.mark.parametrize('height', [0, None])
def test_a_image_without_a_size(folder, height):
    change(folder / 'val.json', lambda content: content['images'][0].update(height=height))
    found = only(animals_config(folder), 'error', 'coco-size')
    assert found.message.endswith(f'has the width 64 and the height {height}')
    assert found.cure.startswith('write its size in pixels; `pasture convert coco ')


def test_images_without_objects_are_a_note(folder):
    change(folder / 'train.json', lambda content: content['annotations'].__delitem__(
        slice(0, 2)))
    found = only(animals_config(folder), 'note', 'object-none')
    assert found.places == ('images/Kuh ä 0.png', )
    assert found.message == '1 of 3 images of train show no object'


def test_an_annotation_without_image(folder):
    change(folder / 'val.json', lambda content: content['annotations'][0].update(image_id=77))
    found = only(animals_config(folder), 'error', 'coco-orphan')
    assert found.places == ('val: annotation 100', )
    assert 'annotation 100' in found.message and 'has the image_id 77' in found.message
    assert found.cure.startswith('remove it, or bring back the image; `pasture convert coco`')


def test_other_categories_than_classes(folder):
    change(folder / 'train.json', lambda content: content['categories'][1].update(name='bull'))
    report = examine_config(animals_config(folder))
    assert bad(report) == [('error', 'categories'), ('warning', 'class-only-val')]
    assert report.findings[0].places == ('train', )
    assert 'has the categories (cow, bull)' in report.findings[0].message


def test_what_the_stock_data_set_leaves_out_or_exchanges(folder):
    def add(content):
        content['categories'].append(dict(id=3, name='dog'))
    change(folder / 'train.json', add)
    found = only(animals_config(folder, 'CocoDataset'), 'warning', 'categories-left-out')
    assert (found.places, found.cure) == (
        ('train: dog', ), 'add it to classes, if it is to be learnt')
    for part in ('train', 'val'):
        change(folder / f'{part}.json', lambda content: content.update(
            categories=[dict(id=2, name='calf'), dict(id=1, name='cow')]))
    report = examine_config(animals_config(folder, 'CocoDataset'))
    assert bad(report) == [('error', 'categories-order')] * 2
    assert report.findings[0].cure == "set classes=('calf', 'cow'), or use CattleDataset"
    assert examine_config(animals_config(folder)).findings == []


def test_coco_files_without_a_config(folder, tmp_path):
    assert examine_path(folder).findings == []
    (folder / 'data.json').write_text((folder / 'train.json').read_text())
    assert only(examine_path(folder), 'note', 'file-not-used').places == ('data.json', )
    redraw(folder, box(70, 4, 90, 20))
    found = only(examine_path(folder / 'train.json'), 'error', 'outline-outside')
    assert found.places == (FIRST, )
    (folder / 'images').rename(tmp_path / 'elsewhere')
    report = examine_path(folder / 'train.json', tmp_path / 'elsewhere')
    assert bad(report) == [('error', 'outline-outside')]
    (folder / 'other.json').write_text(json.dumps([1]))
    with pytest.raises(ValueError, match='other.json is no COCO file of instances'):
        examine_path(folder / 'other.json')
