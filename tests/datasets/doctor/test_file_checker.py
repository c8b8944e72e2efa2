"""What is said of an image or label that was spoilt on purpose."""
from io import BytesIO

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

from plugin.datasets.doctor.file_checker import FileChecker
from plugin.datasets.doctor.preflight import check_dataset
from tests.helpers.small_sets import build, error_of, make_pairs, write_label


@pytest.fixture
def folder(tmp_path):
    return make_pairs(tmp_path)


def test_one_id_too_many_asks_for_reduce_zero_label(folder):
    write_label(folder, 3, [1, 3, 255])
    assert error_of(build(folder)) == (
        'class id 3 in labels/3.png is outside 0..2 (ignore 255); '
        'did you mean reduce_zero_label=True?')
    # ids 1..3 with an ignored zero are then what they should be
    assert check_dataset(build(folder, reduce_zero_label=True)) == [0, 1, 2]


def test_other_ids_ask_for_the_classes(folder):
    write_label(folder, 3, [1, 3, 17, 254])
    cure = 'set pixels of no class to 255, or complete the list of classes'
    assert error_of(build(folder)) == (
        f'class id 3 in labels/3.png is outside 0..2 (ignore 255); {cure}')
    assert error_of(build(folder, reduce_zero_label=True)) == (
        f'class id 17 in labels/3.png is outside 0..3 (ignore 255); {cure}')


def test_sixteen_bit_ids_are_not_wrapped_around(folder):
    write_label(folder, 2, [256], np.uint16)
    assert error_of(build(folder)).startswith('class id 256 in labels/2.png is outside 0..2 ')
    write_label(folder, 2, [2], np.uint16)
    assert check_dataset(build(folder)) == [0, 1, 2]


@pytest.mark.parametrize('reduce_zero_label', [False, True])
@pytest.mark.parametrize('label_map', [None, {0: 255, 1: 0, 2: 1}])
def test_ids_become_what_the_loader_makes_of_them(folder, reduce_zero_label, label_map):
    """All 256 values of a label, against mmseg's own LoadAnnotations."""
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(folder / 'labels/0.png')
    dataset = build(folder, reduce_zero_label=reduce_zero_label)
    dataset.label_map = label_map
    loaded = TRANSFORMS.build(dict(type='LoadAnnotations')).transform(dict(
        seg_map_path=str(folder / 'labels/0.png'), seg_fields=[], label_map=label_map,
        reduce_zero_label=reduce_zero_label))['gt_seg_map']
    np.testing.assert_array_equal(FileChecker(dataset).ids, loaded.ravel())


def test_a_label_map_allows_the_old_ids(folder):
    write_label(folder, 3, [0, 3, 8, 10])
    subset = build(folder, type='CamVidDataset', metainfo=dict(classes=('road', 'car')))
    assert check_dataset(subset) == [0, 1]
    write_label(folder, 3, [11])
    assert error_of(subset).startswith('class id 11 in labels/3.png is outside 0..10 ')


def test_mask_of_another_size(folder):
    Image.fromarray(np.zeros((8, 6), np.uint8)).save(folder / 'labels/4.png')
    assert error_of(build(folder)) == (
        'label labels/4.png is 6x8, but its image images/4.jpg is 8x6 as loaded '
        '(width x height): export the label at the size of its image')


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_a_turned_image_has_the_size_it_is_loaded_with(folder, suffix):
    """A camera held upright writes a lying image and the wish to turn it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / 'images/0.jpg').unlink()
    path = folder / f'images/0.{suffix}'
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(path, exif=exif)
    dataset = build(folder)
    info = dataset.get_data_info(0)
    height, width = dataset.pipeline.transforms[0].transform(info)['img'].shape[:2]
    Image.fromarray(np.zeros((height, width), np.uint8)).save(folder / 'labels/0.png')
    assert check_dataset(dataset) == [0, 1, 2]
    Image.fromarray(np.zeros((width, height), np.uint8)).save(folder / 'labels/0.png')
    assert f'is {width}x{height} as loaded' in error_of(dataset)


def test_coloured_masks_are_refused_and_palettes_are_not(folder):
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(folder / 'labels/2.png')
    assert error_of(build(folder)) == (
        'label labels/2.png has the shape (6, 8, 3), not one class id a pixel: turn its colours '
        'into ids as data/README.md shows')
    palette = Image.fromarray(np.full((6, 8), 2, np.uint8))
    palette.putpalette([200, 10, 30] * 256)
    palette.save(folder / 'labels/2.png')
    assert check_dataset(build(folder)) == [0, 1, 2]


@pytest.mark.parametrize('name, content, message', [
    ('images/4.jpg', b'', 'image images/4.jpg is empty (0 bytes): restore it, or take it out of '
                          'the set'),
    ('images/4.jpg', b'<html>not found</html>',
     'images/4.jpg is no image that can be read: replace it, or take it out of the set'),
    ('labels/4.png', b'<html>not found</html>',
     'labels/4.png is no label map that can be read: replace it, or take it out of the set'),
    ('labels/4.png', b'', 'label labels/4.png is empty (0 bytes): restore it, or take it out of '
                          'the set'),
])
def test_files_that_are_none(folder, name, content, message):
    (folder / name).write_bytes(content)
    assert error_of(build(folder)) == message


@pytest.mark.parametrize('format, name', [('JPEG', 'images/0.jpg'), ('PNG', 'images/1.png')])
def test_a_image_that_is_cut_off(folder, format, name):
    """Also with a thumbnail inside, which has an end mark of its own."""
    buffer, thumbnail = BytesIO(), BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(thumbnail, format='JPEG')
    exif = b'Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0' + thumbnail.getvalue()
    Image.fromarray(noise).save(buffer, format=format, **(
        dict(exif=exif) if format == 'JPEG' else {}))
    (folder / name).write_bytes(buffer.getvalue() + b'trailing bytes of a phone')
    assert check_dataset(build(folder)) == [0, 1, 2]
    (folder / name).write_bytes(buffer.getvalue()[:-20])
    assert error_of(build(folder)) == (
        f'image {name} is cut off: fetch it again, or take it out of the set')


def test_a_file_that_vanished(folder):
    dataset = build(folder)
    (folder / 'labels/6.png').unlink()
    assert error_of(dataset) == ('label labels/6.png cannot be read (No such file or directory): '
                                 'restore it, or take it out of the set')
