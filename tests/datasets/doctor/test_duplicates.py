"""Images on both sides of a split."""
import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from plugin.datasets.doctor import examine_config
from plugin.datasets.doctor.near_duplicates import ImageHash, nearest_images
from tests.helpers.small_doctor import LOADERS, image, maps_config, only, write_label, write_maps

CURE = ('take them out of one of the two; tools/data/split_coco.py keeps near-duplicates on one '
        'side')


@pytest.fixture
def folder(tmp_path):
    return write_maps(tmp_path)


def semi_config(folder, unlabeled):
    cfg = maps_config(folder)
    cfg.train_dataloader.dataset = dict(
        type='SemiDataset', labeled=cfg.train_dataloader.dataset, unlabeled=dict(
            type='UnlabeledDataset', data_root=str(folder), data_prefix=dict(img_path=unlabeled),
            pipeline=[LOADERS[0], dict(type='PackSemiInputs')]))
    return cfg


def test_a_copy_under_another_name_and_format(folder):
    (folder / 'images/val/1.jpg').unlink()
    Image.open(folder / 'images/train/2.jpg').save(folder / 'images/val/1.png')
    found = only(maps_config(folder), 'error', 'copy-across')
    assert found.message == ('1 of 3 images of val are in train as well, exactly the same '
                             'pixels: images/val/1.png = images/train/2.jpg')
    assert (found.places, found.cure) == (('images/val/1.png = images/train/2.jpg', ), CURE)


@pytest.mark.parametrize('change', ['smaller', 'darker', 'coarser'])
def test_a_image_that_was_changed_a_little(folder, change):
    pixels = Image.open(folder / 'images/train/2.jpg').convert('RGB')
    options = dict(quality=30 if change == 'coarser' else 90)
    if change == 'smaller':
        pixels = pixels.resize((48, 36))
        write_label(folder / 'labels/val/1.png', size=(36, 48))
    if change == 'darker':
        pixels = ImageEnhance.Brightness(pixels).enhance(0.8)
    pixels.save(folder / 'images/val/1.jpg', **options)
    found = only(maps_config(folder), 'warning', 'near-duplicate')
    assert (found.places, found.cure) == (('images/val/1.jpg = images/train/2.jpg', ), CURE)


def test_an_unlabelled_image_that_is_scored(folder):
    (folder / 'more').mkdir()
    image(30).save(folder / 'more/a.jpg')
    assert examine_config(semi_config(folder, 'more')).findings == []
    shutil.copy(folder / 'images/val/0.jpg', folder / 'more')
    found = only(semi_config(folder, 'more'), 'error', 'copy-across')
    assert found.places == ('images/val/0.jpg = more/0.jpg', )


def test_labelled_images_among_the_unlabelled_are_a_note(folder):
    (folder / 'more').mkdir()
    shutil.copy(folder / 'images/train/3.jpg', folder / 'more')
    # nearly the same is what the frames of one camera are
    Image.open(folder / 'images/train/2.jpg').save(folder / 'more/2.jpg', quality=40)
    found = only(semi_config(folder, 'more'), 'note', 'copy-unlabelled')
    assert found.places == ('images/train/3.jpg = more/3.jpg', )


def test_copies_within_a_part_and_flat_images_are_notes(folder):
    shutil.copy(folder / 'images/train/0.jpg', folder / 'images/train/1.jpg')
    assert only(maps_config(folder), 'note', 'copy-within').places == (
        'images/train/0.jpg = images/train/1.jpg', )
    for path in ('images/train/2.jpg', 'images/val/2.jpg'):
        Image.new('RGB', (64, 48)).save(folder / path)
    report = examine_config(maps_config(folder))
    assert [(one.code, one.places) for one in report.findings if one.code == 'picture-flat'] == [
        ('picture-flat', ('images/train/2.jpg', )), ('picture-flat', ('images/val/2.jpg', ))]
    only(report, 'note', 'copy-within')


def test_a_copy_that_cannot_move_the_score_is_a_note(folder):
    """Of 101 images that are scored, one is known."""
    rng = np.random.default_rng(1)
    for index in range(3, 101):
        noise = rng.integers(0, 256, (6, 8), dtype=np.uint8)
        Image.fromarray(noise).resize((64, 48)).save(folder / f'images/val/{index}.png')
        write_label(folder / f'labels/val/{index}.png')
    shutil.copy(folder / 'images/train/0.jpg', folder / 'images/val/0.jpg')
    found = only(maps_config(folder), 'note', 'copy-across')
    assert found.places == ('images/val/0.jpg = images/train/0.jpg', )
    assert found.message.startswith('1 of 101 images of val')


def test_the_validation_set_as_test_set_is_no_copy(folder):
    cfg = maps_config(folder)
    cfg.test_dataloader = cfg.val_dataloader
    assert examine_config(cfg).findings == []
    cfg.test_dataloader = dict(dataset=dict(cfg.val_dataloader.dataset, test_mode=True))
    found = only(cfg, 'note', 'same-part')
    assert found.message == 'test has the same files as val'


def test_the_nearest_image_against_all_pairs():
    rng = np.random.default_rng(3)
    own = [ImageHash(rng.random(64) < 0.5, k == 4) for k in range(150)]
    # every second one with k of 64 bits turned
    others = [ImageHash(rng.random(64) < 0.5, False) for _ in range(40)]
    for k in range(0, 40, 2):
        bits = own[3 * k].bits.copy()
        bits[:k] ^= True
        others[k] = ImageHash(bits, k == 6)
    expected = []
    for place, one in enumerate(own):
        distances = [99 if one.flat or other.flat else (one.bits != other.bits).sum()
                     for other in others]
        if min(distances) <= 10:
            expected.append((place, int(np.argmin(distances))))
    assert len(expected) == 5
    assert nearest_images(own, others, 10) == expected
    assert nearest_images(own[4:5], others) == nearest_images(own, []) == []
