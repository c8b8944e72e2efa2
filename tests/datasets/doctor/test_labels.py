"""What the doctor says of classes and label maps."""
import numpy as np
import pytest
from PIL import Image

from plugin.datasets.doctor import examine_config, examine_path
from tests.helpers.small_doctor import (
    CLASSES,
    SIZE,
    bad,
    maps_config,
    only,
    write_label,
    write_maps,
)


@pytest.fixture
def folder(tmp_path):
    return write_maps(tmp_path)


def labels(folder, part):
    return sorted((folder / 'labels' / part).iterdir())


def test_a_value_outside_the_classes(folder):
    write_label(folder / 'labels/train/1.png', [0, 1, 9])
    write_label(folder / 'labels/train/3.png', [17])
    found = only(maps_config(folder), 'error', 'class-id')
    assert found.message == 'class id 9 in labels/train/1.png is outside 0..1 (ignore 255)'
    assert (found.places, found.count) == (('labels/train/1.png', 'labels/train/3.png'), 2)
    assert found.cure == 'set pixels of no class to 255, or complete the list of classes'


def test_ids_counted_from_one(folder):
    for part in ('train', 'val'):
        for path in labels(folder, part):
            write_label(path, [1, 2])
    report = examine_config(maps_config(folder))
    assert {one.cure for one in report.findings if one.code == 'class-id'} == {
        'did you mean reduce_zero_label=True?'}
    assert [one.count for one in report.findings if one.code == 'class-id'] == [4, 3]


@pytest.mark.parametrize('mode', ['RGB', 'RGBA'])
def test_a_mask_of_colours(folder, mode):
    Image.new(mode, SIZE[::-1], (128, 0, 0)).save(folder / 'labels/val/0.png')
    found = only(maps_config(folder), 'error', 'label-colours')
    assert (found.places, found.cure) == (
        ('labels/val/0.png', ), 'turn its colours into ids as data/README.md shows')


def test_a_mask_of_colours_that_was_saved_as_grey(folder):
    mask = Image.new('RGB', SIZE[::-1], (128, 0, 0))
    mask.paste((0, 128, 0), (0, 0, 9, 9))
    mask.convert('L').save(folder / 'labels/val/0.png')
    found = only(maps_config(folder), 'error', 'class-id')
    assert found.places == ('labels/val/0.png', )
    assert found.cure.startswith('these are the brightness of palette colours')


def test_a_palette_mask_of_ids_is_sound(folder):
    mask = Image.fromarray(np.resize(np.array([0, 1, 255], np.uint8), SIZE))
    mask.putpalette([200, 10, 30] * 256)
    mask.save(folder / 'labels/val/0.png')
    assert examine_config(maps_config(folder)).findings == []


def test_masks_of_0_and_255(folder):
    for part in ('train', 'val'):
        for path in labels(folder, part):
            write_label(path, [0, 255])
    report = examine_config(maps_config(folder))
    assert bad(report) == [('error', 'label-binary'), ('error', 'label-binary'),
                           ('warning', 'class-never')]
    found = report.findings[0]
    assert found.message.startswith('the labels of the training set hold only 0 and 255')
    assert found.cure == 'write the second class as 1 instead of 255'
    assert found.count == 4


def test_a_label_without_any_class(folder):
    write_label(folder / 'labels/train/2.png', [255])
    found = only(maps_config(folder), 'warning', 'label-empty')
    assert (found.places, found.cure) == (
        ('labels/train/2.png', ), 'draw it, or take the image out of the set')


def test_a_label_of_the_first_class_alone(folder):
    write_label(folder / 'labels/train/2.png', [0, 255])
    found = only(maps_config(folder), 'note', 'label-first-class-only')
    assert found.places == ('labels/train/2.png', )
    assert found.message == (f'label labels/train/2.png shows {CLASSES[0]} and no other class')


def test_a_class_that_never_occurs(folder):
    cfg = maps_config(folder)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.metainfo = dict(classes=(*CLASSES, 'dog'))
    found = only(cfg, 'warning', 'class-never')
    assert found.places == ('dog', )
    assert 'the ids of the labels do not follow the order of the classes' in found.cure


def test_a_class_that_occurs_on_one_side_only(folder):
    for path in labels(folder, 'train'):
        write_label(path, [0])
    found = only(maps_config(folder), 'warning', 'class-only-val')
    assert (found.places, found.cure) == (
        ('cow', ), 'label some for the training set, or split anew')
    for part, values in (('train', [0, 1]), ('val', [0])):
        for path in labels(folder, part):
            write_label(path, values)
    assert only(maps_config(folder), 'note', 'class-not-scored').places == ('cow', )


@pytest.mark.parametrize('part', ['train', 'val'])
def test_a_bare_string_of_classes(folder, part):
    cfg = maps_config(folder)
    for path in (*labels(folder, 'train'), *labels(folder, 'val')):
        write_label(path, [0])
    cfg.train_dataloader.dataset.metainfo = cfg.val_dataloader.dataset.metainfo = dict(
        classes=('cow', ))
    cfg[f'{part}_dataloader'].dataset.metainfo = dict(classes=('cow'))
    found = only(cfg, 'error', 'classes-string')
    assert found.places == (f'{part}: metainfo.classes', )
    assert "write classes=('cow', ) with the comma" in found.cure


def test_a_folder_of_grey_colours_without_a_config(folder):
    for path in labels(folder, 'train'):
        write_label(path, [0, 38, 75])
    found = only(examine_path(folder), 'warning', 'class-id-gaps')
    assert found.places == ('train', )
    assert 'hold the values 0, 38, 75' in found.message
    assert found.cure == 'turn colours into ids as data/README.md shows'
