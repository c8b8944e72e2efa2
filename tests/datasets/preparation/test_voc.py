"""Laying out VOC and SBD, from small archives of the published form and from real files."""
import os
import stat

import numpy as np
import pytest
from PIL import Image

from plugin.datasets.preparation import prepare_voc
from plugin.datasets.preparation import voc as module
from plugin.datasets.voc import voc_palette
from plugin.utils import UserError
from tests.helpers.voc_sources import (
    COUNTS,
    SBD_TRAIN,
    SBD_VAL,
    TRAIN,
    TRAIN11,
    VAL,
    lay_out,
    make_sbd,
    make_voc,
    make_voc11,
    mask,
    pack,
)


@pytest.fixture
def voc(tmp_path):
    return make_voc(tmp_path)


@pytest.fixture
def sbd(tmp_path):
    return make_sbd(tmp_path)


@pytest.fixture
def published(monkeypatch):
    """Take the counts of the small set for the published ones."""
    monkeypatch.setattr(module, 'COUNTS', COUNTS)


def labels_of(path):
    return np.array(Image.open(path))


def assert_complete(out):
    home = out / 'VOC2012'
    names = (home / 'ImageSets/Segmentation/train_aug.txt').read_text().split()
    assert names == ['2007_1', '2007_2', '2007_3', '2009_1', '2009_2', '2009_3']
    for name in names + VAL:
        # VOC's own masks, with their borders, win over those of SBD
        own = name in TRAIN + VAL
        label = home / f'SegmentationClassAug/{name}.png'
        np.testing.assert_array_equal(labels_of(label), mask(name, ignore=own))
        assert Image.open(label).mode == 'P'
        assert (home / f'JPEGImages/{name}.jpg').is_file()
    # the published FCN is trained on SBD's own masks, also where VOC has one
    assert (home / 'ImageSets/Segmentation/sbd_train.txt').read_text().split() == SBD_TRAIN
    for name in SBD_TRAIN + SBD_VAL:
        np.testing.assert_array_equal(labels_of(home / f'SegmentationClassSBD/{name}.png'),
                                      mask(name, ignore=False))


def test_archives(voc, sbd, tmp_path, capsys, published):
    out = tmp_path / 'out'
    assert lay_out(out, voc=pack(voc, tmp_path / 'voc.tar', 'w'),
                   sbd=pack(sbd, tmp_path / 'benchmark.tgz', 'w:gz')).is_complete
    assert_complete(out)
    printed = capsys.readouterr().out
    assert 'train_aug: 6 images, every label within 0..20 and 255\n' in printed
    assert 'train: 3 images' in printed and 'val: 2 images' in printed
    assert 'not complete' not in printed


@pytest.mark.parametrize('copy', [False, True])
def test_folders_are_linked_or_copied_and_never_written_to(
        voc, sbd, tmp_path, published, copy):
    def state(folder):
        return {p: (stat.S_IMODE(p.stat().st_mode), p.stat().st_mtime_ns,
                    p.read_bytes() if p.is_file() else None) for p in sorted(folder.rglob('*'))}
    before = state(voc), state(sbd)
    out = tmp_path / 'out'
    assert lay_out(out, voc=voc, sbd=sbd, copy=copy).is_complete
    assert_complete(out)
    assert (out / 'VOC2012/JPEGImages/2007_1.jpg').is_symlink() is not copy
    assert not (out / 'VOC2012/SegmentationClassAug/2007_1.png').is_symlink()
    assert not (out / 'VOC2012/ImageSets/Segmentation/train.txt').is_symlink()
    assert (state(voc), state(sbd)) == before


@pytest.mark.parametrize('voc_part, sbd_part', [
    ('VOCdevkit', 'benchmark_RELEASE'), ('VOCdevkit/VOC2012', 'benchmark_RELEASE/dataset')])
def test_inner_folders_may_be_given(voc, sbd, tmp_path, published, voc_part, sbd_part):
    out = tmp_path / 'out'
    assert lay_out(out, voc=voc / voc_part, sbd=sbd / sbd_part).is_complete
    assert_complete(out)


def test_a_run_that_was_stopped_is_completed(voc, sbd, tmp_path, published):
    out = tmp_path / 'out'
    sources = dict(voc=pack(voc, tmp_path / 'voc.tar', 'w'), sbd=sbd)
    assert lay_out(out, **sources).is_complete
    home = out / 'VOC2012'
    kept = home / 'SegmentationClassAug/2009_1.png'
    os.utime(kept, (1, 1))
    image = home / 'JPEGImages/2007_2.jpg'
    whole = image.read_bytes()
    image.write_bytes(whole[:-5])
    for gone in ('SegmentationClassAug/2009_2.png', 'SegmentationClassAug/2007_1.png',
                 'JPEGImages/2009_3.jpg', 'ImageSets/Segmentation/train_aug.txt'):
        (home / gone).unlink()
    (home / 'SegmentationClassAug/.2009_2.killed.png').write_bytes(b'half')
    assert lay_out(out, **sources).is_complete
    assert_complete(out)
    assert kept.stat().st_mtime == 1
    assert image.read_bytes() == whole


def test_sbd_may_be_added_later_to_what_is_there(voc, sbd, tmp_path, published, capsys):
    out = tmp_path / 'out'
    assert lay_out(out, voc=voc).is_complete
    assert 'without SBD: for voc_sbd configs give --sbd with benchmark.tgz' in (
        capsys.readouterr().out)
    assert lay_out(out, sbd=sbd).is_complete
    assert_complete(out)
    # what lies in place already may also be named
    assert lay_out(out, voc=out / 'VOC2012', sbd=sbd).is_complete
    assert_complete(out)


def test_threads_give_the_same_as_one(voc, sbd, tmp_path, published):
    out = tmp_path / 'out'
    assert lay_out(str(out), voc=str(voc), sbd=str(sbd), jobs=2).is_complete
    assert_complete(out)


def test_other_counts_are_told_and_fail_unless_allowed(voc, sbd, tmp_path, capsys):
    assert not lay_out(tmp_path / 'out', voc=voc, sbd=sbd).is_complete
    printed = capsys.readouterr().out
    assert 'train_aug: 6 images, every label within 0..20 and 255, not the published 10582' in (
        printed)
    assert 'val: 2 images, every label within 0..20 and 255, not the published 1449' in printed
    assert 'VOC is not complete: get VOCtrainval_11-May-2012.tar from the PASCAL' in printed
    assert 'SBD is not complete: get benchmark.tgz' in printed


def test_missing_masks_of_sbd_are_named(voc, sbd, tmp_path, capsys, published):
    out = tmp_path / 'out'
    (sbd / 'benchmark_RELEASE/dataset/cls/2009_2.mat').unlink()
    assert lay_out(out, voc=voc, sbd=sbd).lacking == ['2009_2']
    printed = capsys.readouterr().out
    assert 'train_aug, sbd_train: no image or no mask for 2009_2\n' in printed
    assert 'SBD is not complete: get benchmark.tgz from the "Semantic Boundaries' in printed
    assert 'VOC is not complete' not in printed
    assert not (out / 'VOC2012/ImageSets/Segmentation/train_aug.txt').exists()
    lay_out(out, voc=voc, sbd=sbd, allow_partial=True)
    assert '2009_2' not in (out / 'VOC2012/ImageSets/Segmentation/train_aug.txt').read_text()


def test_real_files(shared, tmp_path, capsys):
    out = tmp_path / 'out'
    lay_out(out, voc=shared / 'data/voc_mini', allow_partial=True)
    printed = capsys.readouterr().out
    assert 'train: 43 images' in printed and 'val: 50 images' in printed


def test_palette_is_that_of_the_real_masks(shared):
    path = next((shared / 'data/voc_mini/SegmentationClass').glob('*.png'))
    real = np.array(Image.open(path).getpalette()).reshape(-1, 3)
    np.testing.assert_array_equal(real, voc_palette())


def published_lists(out):
    folder = out / 'VOC2012/ImageSets/Segmentation'
    return {split: (folder / f'{split}.txt').read_text().split()
            for split in ('train11', 'seg11valid') if (folder / f'{split}.txt').is_file()}


def test_lists_of_voc_2011_are_computed(voc, sbd, tmp_path, published, capsys):
    """The validation set without the images of SBD's training set."""
    out = tmp_path / 'out'
    archive = pack(make_voc11(tmp_path), tmp_path / 'voc11.tar', 'w')
    assert lay_out(out, voc=voc, sbd=sbd, voc11=archive).is_complete
    assert published_lists(out) == dict(train11=TRAIN11, seg11valid=['2007_3', '2008_1'])
    printed = capsys.readouterr().out
    assert 'sbd_train: 3 images' in printed and 'seg11valid: 2 images' in printed
    assert 'train11: 2 images' in printed and 'not complete' not in printed
    # the images and masks stay those of VOC 2012
    assert_complete(out)


def test_the_published_list_is_taken_as_it_is_and_needs_no_sbd(voc, tmp_path, published, capsys):
    out, listed = tmp_path / 'out', tmp_path / 'seg11valid.txt'
    listed.write_text('2008_1\n2007_3\n')
    assert lay_out(out, voc=voc, voc11=listed).is_complete
    assert published_lists(out) == dict(seg11valid=['2008_1', '2007_3'])
    listed.write_text('2008_1\n')
    assert not lay_out(out, voc11=listed).is_complete
    printed = capsys.readouterr().out
    assert 'seg11valid: 1 images, every label within 0..20 and 255, not the published 2' in printed
    assert ('the lists of VOC 2011 are not complete: get seg11valid.txt of shelhamer/fcn.berkeley'
            'vision.org') in printed


def test_mistakes_with_the_lists_of_voc_2011(voc, sbd, tmp_path, published):
    out, listed = tmp_path / 'out', tmp_path / 'seg11valid.txt'
    with pytest.raises(UserError, match='sbd_train.txt does not exist, whose images are to be left '
                       'out of the validation: give --sbd as well'):
        prepare_voc(out, voc=voc, voc11=make_voc11(tmp_path))
    listed.write_text('2008_1\n2011_9\n')
    with pytest.raises(UserError, match=r'seg11valid.txt names 2011_9 for seg11valid, of which '
                       r'.*SegmentationClass has no mask: complete VOC 2012'):
        prepare_voc(out, voc=voc, voc11=listed)
    with pytest.raises(UserError, match='has no ImageSets/Segmentation/train.txt and val.txt: give '
                       'seg11valid.txt of shelhamer'):
        prepare_voc(out, voc11=sbd)
    assert published_lists(out) == {}
