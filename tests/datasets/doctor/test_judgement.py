"""Labels from which nothing can be learnt, and images of which something is lost."""
import json
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from mmseg.registry import DATASETS
from PIL import Image
from torch import nn

from plugin.datasets.doctor import examine_config, weigh_classes
from plugin.datasets.doctor.dry_look import look_at_data, used_set
from plugin.datasets.doctor.facts import SetFacts
from plugin.datasets.doctor.preflight import check_dataset, look_at_dataset
from plugin.utils import UserError
from tests.helpers.small_doctor import SIZE, bad, maps_config, write_label, write_maps


@pytest.fixture
def folder(tmp_path):
    return write_maps(tmp_path)


def relabel(folder, values):
    for path in (folder / 'labels').rglob('*.png'):
        write_label(path, values)


def reduced(cfg):
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.reduce_zero_label = True
    return cfg


def grey_png(path, ids, bits):
    """A grey PNG of 2 or 4 bits whose samples are the ids, (H, W)."""
    flat = ((ids[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(len(ids), -1)
    rows = b''.join(b'\0' + np.packbits(row).tobytes() for row in flat.astype(np.uint8))

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack(
            '>I', zlib.crc32(kind + data))
    head = struct.pack('>IIBBBBB', ids.shape[1], ids.shape[0], bits, 0, 0, 0, 0)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head)
                     + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


@pytest.mark.parametrize(('values', 'message', 'cure'), [
    ([0, 255], 'the labels of the training set hold only 0 and 255, and 255 is ignored',
     'write the second class as 1 instead of 255'),
    ([1, 255], 'the labels of the training set hold only 1 and 255, and 255 is ignored',
     'write the other classes by their ids instead of 255'),
])
def test_one_class_and_ignored_pixels(folder, values, message, cure):
    relabel(folder, values)
    report = examine_config(maps_config(folder))
    found = [one for one in report.findings if one.code == 'label-binary']
    assert [one.severity for one in found] == ['error', 'error']
    assert found[0].message.startswith(message) and found[0].cure == cure


def test_reduce_zero_label_that_leaves_one_class(folder):
    relabel(folder, [0, 1])
    found = examine_config(reduced(maps_config(folder))).findings[0]
    assert found.severity == 'error' and found.message.startswith(
        'reduce_zero_label=True ignores 0 in the training set, and what is left, 1, is called '
        'ground: there is one class to learn')
    assert found.cure == 'leave reduce_zero_label out'
    relabel(folder, [0, 1, 2])
    assert bad(examine_config(reduced(maps_config(folder)))) == []


@pytest.mark.parametrize(('values', 'zero', 'reason'), [
    ([255], False, 'hold only 255, and 255 is ignored'),
    ([0, 255], True, 'hold only 0 and 255, and reduce_zero_label=True ignores 0'),
])
def test_labels_without_any_class(folder, values, zero, reason):
    relabel(folder, values)
    cfg = maps_config(folder)
    report = examine_config(reduced(cfg) if zero else cfg)
    found = [one for one in report.findings if one.code == 'label-nothing']
    assert [(one.severity, one.count) for one in found] == [('error', 4), ('error', 3)]
    assert found[0].message.startswith('no pixel of the training set belongs to a class')
    assert reason in found[0].message


def test_two_sets_of_one_class_each_are_fine(folder):
    write_label(folder / 'labels/train/0.png', [0, 255])
    for index in range(1, 4):
        write_label(folder / f'labels/train/{index}.png', [1, 255])
    assert bad(examine_config(maps_config(folder))) == []


def test_a_validation_of_one_class_is_a_warning(folder):
    for path in (folder / 'labels/val').iterdir():
        write_label(path, [0, 255])
    assert bad(examine_config(maps_config(folder))) == [('warning', 'label-binary')]


def test_one_class_alone_does_not_ask_for_reduce_zero_label(folder):
    relabel(folder, [0, 1])
    cfg = maps_config(folder)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.metainfo = dict(classes=('cow', ))
    found = examine_config(cfg).findings[0]
    assert found.code == 'class-id' and found.cure.startswith('name the background as well')


@pytest.mark.parametrize(('bits', 'factor'), [(2, 85), (4, 17)])
def test_labels_of_few_grey_bits(folder, bits, factor):
    for path in (folder / 'labels').rglob('*.png'):
        grey_png(path, np.resize([0, 1], SIZE), bits)
    cfg = maps_config(folder)
    found = examine_config(cfg).findings[0]
    assert (found.severity, found.code) == ('error', 'label-bits')
    assert found.message == (f'label labels/train/0.png is {bits}-bit grey, scaled by {factor} '
                             f'when it is read: class id 1 becomes {factor}')
    assert found.cure == f'save it with 8 bits a pixel, its values as read divided by {factor}'
    for look in (lambda: weigh_classes(cfg),
                 lambda: check_dataset(DATASETS.build(cfg.train_dataloader.dataset))):
        with pytest.raises(UserError, match=f'{bits}-bit grey, scaled by {factor}'):
            look()
    # nothing is scaled where nothing is drawn, and a palette is not scaled
    grey_png(folder / 'labels/train/0.png', np.zeros(SIZE, int), bits)
    assert look_at_dataset(DATASETS.build(dict(
        cfg.train_dataloader.dataset, indices=1))).values == {0: 'labels/train/0.png'}


def test_labels_of_one_bit(folder):
    for path in (folder / 'labels').rglob('*.png'):
        Image.fromarray(np.resize(np.array([0, 1, 1], bool), SIZE)).save(path)
    cfg = maps_config(folder)
    assert bad(examine_config(cfg)) == []
    facts = look_at_dataset(DATASETS.build(cfg.train_dataloader.dataset))
    assert facts.present == [0, 1] and list(facts.values) == [0, 1]


def test_labels_of_another_suffix(folder):
    for path in (folder / 'labels').rglob('*.png'):
        Image.open(path).save(path.with_suffix('.tif'))
        path.unlink()
    cfg = maps_config(folder)
    found = examine_config(cfg).findings[0]
    assert 'has no file ending in .png, but 4 ending in .tif' in found.message
    assert "seg_map_suffix='.tif'" in found.cure
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.update(type='BaseSegDataset', img_suffix='.jpg')
    found = examine_config(cfg).findings[0]
    assert found.code == 'label-missing'
    assert found.cure == "0.tif is there: set seg_map_suffix='.tif' in the data set"
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.update(type='SegFolderDataset', seg_map_suffix='.tif')
    assert bad(examine_config(cfg)) == []


def deepen(folder, make, suffix='.png'):
    """Replace the images by those that ``make`` draws."""
    for path in sorted((folder / 'images').rglob('*.jpg')):
        target = path.with_suffix(suffix)
        array = make(drawn(path))
        if suffix == '.png':
            cv2.imwrite(str(target), array)
        else:
            layout = dict(planarconfig='contig') if array.shape[2] < 8 else {}
            tifffile.imwrite(target, array, photometric='minisblack', **layout)
        path.unlink()


def drawn(path):
    """Random numbers of an image of its own."""
    return np.random.default_rng([int(path.stem), len(path.parent.name)])


def twelve_bits(rng):
    image = rng.integers(1000, 3000, SIZE, dtype=np.uint16)
    image[0, 0], image[0, 1] = 500, 4014
    return image


def test_twelve_bits_of_sixteen(folder):
    deepen(folder, twelve_bits)
    cfg = maps_config(folder)
    report = examine_config(cfg)
    found = report.findings[0]
    assert bad(report)[0] == ('warning', 'picture-bits')
    assert found.message == ('image images/train/0.png has 16 bits and is read as 8: the values '
                             '500..4014 of these 4 images become 1..15 of 0..255')
    assert "dict(type='LoadDeepImage', low=500, high=4014) instead of" in found.cure
    # the cure cures
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.pipeline[0] = dict(type='LoadDeepImage', low=500, high=4014)
    assert bad(examine_config(cfg)) == []
    # a range of another camera does not
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.pipeline[0] = dict(type='LoadDeepImage', low=0, high=65535)
    assert bad(examine_config(cfg))[0] == ('warning', 'picture-bits')


def test_sixteen_bits_that_are_used_are_a_note(folder):
    deepen(folder, lambda rng: rng.integers(0, 65536, SIZE, dtype=np.uint16))
    report = examine_config(maps_config(folder))
    assert bad(report) == [] and 'picture-bits' in {one.code for one in report.findings}


@pytest.mark.parametrize(('make', 'has', 'cure'), [
    (lambda rng: rng.random((*SIZE, 3), np.float32).clip(0.25, 0.75), '3 bands of 32-bit '
     'floats', 'low=0.25, high=0.75)'),
    (lambda rng: rng.integers(9, 90, (*SIZE, 7), dtype=np.uint8).clip(10, 80), '7 bands of '
     '8-bit values', 'low=10, high=80, bands=(0, 1, 2))'),
])
def test_images_that_the_loader_does_not_read(folder, make, has, cure):
    deepen(folder, make, '.tif')
    cfg = maps_config(folder)
    found = examine_config(cfg).findings[0]
    assert (found.severity, found.code, found.count) == ('error', 'picture-depth', 4)
    assert found.message == (f'image images/train/0.tif has {has}, which the loader of the '
                             'pipeline does not read')
    assert f"write dict(type='LoadDeepImage', {cure} instead of LoadImageFromFile" in found.cure
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    used = used_set('the training set', 'train', dataset)._replace(facts=look_at_dataset(dataset))
    with pytest.raises(UserError, match=r'does not read: write dict.*\(4 places: images/train/0'):
        look_at_data(nn.Module(), {}, [used]).stop()


def test_pages_and_bands_that_are_not_read(folder):
    deepen(folder, lambda rng: rng.integers(0, 256, (3, *SIZE), dtype=np.uint8), '.tif')
    report = examine_config(maps_config(folder))
    assert bad(report)[0] == ('warning', 'picture-pages')
    assert report.findings[0].message == (
        'image images/train/0.tif has 3 pages, and pages 2 to 3 are not used')
    for path in (folder / 'images').rglob('*.tif'):
        image = drawn(path).integers(0, 256, (*SIZE, 4), dtype=np.uint8)
        tifffile.imwrite(path, image, photometric='rgb', extrasamples=['unspecified'])
    found = examine_config(maps_config(folder)).findings[0]
    assert (found.severity, found.code) == ('note', 'picture-bands')
    assert found.message.endswith('has 4 bands, and band 4 is not used')


def test_reduced_copies_are_no_pages(folder):
    for path in (folder / 'images').rglob('*.jpg'):
        image = drawn(path).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        with tifffile.TiffWriter(path.with_suffix('.tif')) as file:
            file.write(image, photometric='rgb', subifds=0)
            file.write(image[::2, ::2], photometric='rgb', subfiletype=1)
        path.unlink()
    assert examine_config(maps_config(folder)).findings == []


def test_what_was_seen_can_be_remembered(folder):
    deepen(folder, twelve_bits)
    write_label(folder / 'labels/train/2.png', [255])
    facts = look_at_dataset(DATASETS.build(maps_config(folder).train_dataloader.dataset))
    assert facts.empty == ['labels/train/2.png'] and facts.sizes == {'64x48': 'images/train/0.png'}
    assert SetFacts.of_dict(json.loads(json.dumps(facts.as_dict()))) == facts
