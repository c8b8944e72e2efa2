"""What the doctor says of files that were spoilt on purpose."""
import numpy as np
import pytest
from PIL import Image

from plugin.datasets.doctor import examine_config, examine_path
from plugin.datasets.doctor.looking import _grey
from tests.helpers.small_doctor import (
    LOADERS,
    SIZE,
    image,
    maps_config,
    only,
    write_label,
    write_maps,
)


@pytest.fixture
def folder(tmp_path):
    return write_maps(tmp_path / 'Süd 牛')


def test_a_sound_set_has_no_finding(folder):
    report = examine_config(maps_config(folder))
    assert report.findings == []
    pixels = SIZE[0] * SIZE[1] // 3
    assert report.parts[0] == dict(name='train', role='train', pictures=4, classes=[
        dict(name='ground', pictures=4, pixels=4 * pixels, objects=None),
        dict(name='cow', pictures=4, pixels=4 * pixels, objects=None)])
    assert examine_path(folder).findings == []


@pytest.mark.parametrize(('content', 'code', 'cure'), [
    (b'', 'picture-empty', 'restore it, or take it out of the set'),
    (b'<html>not found</html>', 'picture-unreadable', 'replace it, or take it out of the set'),
])
def test_a_file_that_is_no_image(folder, content, code, cure):
    (folder / 'images/val/1.jpg').write_bytes(content)
    found = only(maps_config(folder), 'error', code)
    assert (found.places, found.cure) == (('images/val/1.jpg', ), cure)


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'tif'])
def test_a_image_that_is_cut_off(folder, suffix):
    path = folder / f'images/train/2.{suffix}'
    (folder / 'images/train/2.jpg').unlink()
    image(2).save(path)
    assert examine_config(maps_config(folder)).findings == []
    content = path.read_bytes()
    path.write_bytes(content[:len(content) * 4 // 5])
    found = only(maps_config(folder), 'error', 'picture-cut')
    assert found.places == (f'images/train/2.{suffix}', )
    assert found.cure == 'fetch it again, or take it out of the set'


def test_a_png_with_a_wrong_bit_in_the_middle(folder):
    (folder / 'images/train/2.jpg').unlink()
    path = folder / 'images/train/2.png'
    image(2).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    assert only(maps_config(folder), 'error', 'picture-cut').places == ('images/train/2.png', )


@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
def test_a_image_of_more_pixels_than_is_safe(folder, monkeypatch):
    image(0, (60, 64)).save(folder / 'images/val/0.jpg')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1600)
    found = only(maps_config(folder), 'warning', 'picture-huge')
    assert (found.places, found.cure) == (('images/val/0.jpg', ), 'cut it into smaller ones')


def test_a_mask_of_another_size(folder):
    write_label(folder / 'labels/train/3.png', size=(64, 48))
    found = only(maps_config(folder), 'error', 'size-differs')
    assert found.message == ('label labels/train/3.png is 48x64, but its image '
                             'images/train/3.jpg is 64x48 as loaded (width x height)')
    assert found.cure == 'export the label at the size of its image'


def turned(path, orientation, size=SIZE):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image(1, size).save(path, exif=exif, quality=95)


def test_a_label_that_misses_the_turn_of_exif(folder):
    turned(folder / 'images/train/1.jpg', 6)
    found = only(maps_config(folder), 'error', 'exif-label')
    assert found.places == ('labels/train/1.png', )
    assert 'exiftool -n -Orientation=1' in found.cure
    write_label(folder / 'labels/train/1.png', size=SIZE[::-1])
    assert only(maps_config(folder), 'note', 'exif-turned').places == ('images/train/1.jpg', )


def test_a_turn_of_exif_that_no_size_can_prove(folder):
    turned(folder / 'images/train/1.jpg', 3)
    found = only(maps_config(folder), 'warning', 'exif-rotation')
    assert found.places == ('images/train/1.jpg', )
    assert 'tools/browse.py' in found.cure


def test_a_image_without_label(folder):
    (folder / 'labels/train/2.png').unlink()
    found = only(maps_config(folder), 'error', 'label-missing')
    assert (found.places, found.cure) == (
        ('train: 2', ), 'add <name>.png or move the images away')


def test_a_label_without_image(folder):
    (folder / 'images/val/2.jpg').unlink()
    found = only(maps_config(folder), 'error', 'label-orphan')
    assert (found.places, found.cure) == (
        ('val: 2', ), 'add the images or move the labels away')


def test_a_list_that_names_what_is_not_there_or_twice(folder):
    (folder / 'train.txt').write_text('0\n1\nnowhere\n3\n')
    cfg = maps_config(folder)
    cfg.train_dataloader.dataset.ann_file = 'train.txt'
    found = only(cfg, 'error', 'picture-missing')
    assert found.places == ('train: nowhere', )
    assert found.cure.startswith('complete the images or correct the list')
    (folder / 'train.txt').write_text('0\n1\n3\n1\n')
    found = only(cfg, 'warning', 'listed-twice')
    assert (found.places, found.cure) == (('train: 1', ), 'keep one line of each')


def test_a_folder_that_is_not_there_does_not_hide_the_others(folder):
    write_label(folder / 'labels/train/0.png', [7])
    cfg = maps_config(folder)
    cfg.val_dataloader.dataset.data_root = str(folder / 'nowhere')
    report = examine_config(cfg)
    assert [(one.code, one.places[0]) for one in report.findings] == [
        ('data-set', 'val'), ('class-id', 'labels/train/0.png')]
    assert 'nowhere does not exist' in report.findings[0].message
    assert report.findings[0].cure.startswith('set FOLDER_ROOT=')


def test_a_stock_data_set_and_wrappers_are_looked_into(folder):
    cfg = maps_config(folder)
    stock = dict(cfg.train_dataloader.dataset, type='BaseSegDataset')
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset', times=2, dataset=dict(type='ConcatDataset', datasets=[
            stock, cfg.val_dataloader.dataset]))
    cfg.val_dataloader = None
    write_label(folder / 'labels/train/0.png', [7])
    report = examine_config(cfg)
    assert [part['name'] for part in report.parts] == ['train 1', 'train 2']
    assert only(report, 'error', 'class-id').places == ('labels/train/0.png', )


def test_unlabelled_images_are_read_too(folder):
    (folder / 'images/val/1.jpg').write_bytes(b'')
    cfg = maps_config(folder)
    cfg.val_dataloader = None
    labeled = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(type='SemiDataset', labeled=labeled, unlabeled=dict(
        type='UnlabeledDataset', data_root=str(folder), data_prefix=dict(img_path='images/val'),
        pipeline=[LOADERS[0], dict(type='PackSemiInputs')]))
    report = examine_config(cfg)
    assert [part['role'] for part in report.parts] == ['train', 'unlabelled']
    assert only(report, 'error', 'picture-empty').places == ('images/val/1.jpg', )


def test_several_processes_see_the_same(folder):
    for index in range(20, 30):
        image(index).save(folder / f'images/train/{index}.jpg')
        write_label(folder / f'labels/train/{index}.png', np.arange(index))
    cfg = maps_config(folder)
    one, two = examine_config(cfg, 1), examine_config(cfg, 2)
    assert one.findings
    assert one.as_dict() == two.as_dict()


@pytest.mark.parametrize('channels', [(), (1, ), (2, ), (3, ), (4, )])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.float32, np.float64])
def test_every_kind_of_pixels_has_a_grey_look(channels, dtype):
    pixels = np.arange(12, dtype=dtype).reshape(3, 4, *[1] * len(channels))
    grey = _grey(np.broadcast_to(pixels, (3, 4, *channels)).copy())
    assert grey.shape == (3, 4) and grey.dtype == np.uint8
    assert (np.diff(grey.ravel().astype(int)) > 0).all()


def test_a_config_without_data_is_an_error(folder):
    with pytest.raises(ValueError, match='the config names no data'):
        examine_config(dict(model=dict()))
