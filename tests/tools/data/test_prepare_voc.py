"""Laying out VOC and SBD, from small archives of the published form and from real files."""
import os
import stat

import numpy as np
import pytest
from PIL import Image
from tests.helpers.voc_sources import TRAIN, VAL, load_files, load_tool, make_sbd, make_voc, mask, pack


@pytest.fixture(scope='module')
def tool():
    return load_tool()


@pytest.fixture
def voc(tmp_path):
    return make_voc(tmp_path)


@pytest.fixture
def sbd(tmp_path):
    return make_sbd(tmp_path)


@pytest.fixture
def published(tool, monkeypatch):
    """Take the counts of the small set for the published ones."""
    monkeypatch.setattr(tool, 'COUNTS', dict(train=3, val=2, train_aug=6))


def run(tool, *args):
    return tool.main([*map(str, args), '--jobs', '1'])


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


def test_archives(tool, voc, sbd, tmp_path, capsys, published):
    out = tmp_path / 'out'
    code = run(tool, '--voc', pack(voc, tmp_path / 'voc.tar', 'w'),
               '--sbd', pack(sbd, tmp_path / 'benchmark.tgz', 'w:gz'), '--out', out)
    assert code == 0
    assert_complete(out)
    printed = capsys.readouterr().out
    assert 'train_aug: 6 images, every label within 0..20 and 255\n' in printed
    assert 'train: 3 images' in printed and 'val: 2 images' in printed
    assert 'not complete' not in printed


@pytest.mark.parametrize('copy', [False, True])
def test_folders_are_linked_or_copied_and_never_written_to(
        tool, voc, sbd, tmp_path, published, copy):
    def state(folder):
        return {p: (stat.S_IMODE(p.stat().st_mode), p.stat().st_mtime_ns,
                    p.read_bytes() if p.is_file() else None) for p in sorted(folder.rglob('*'))}
    before = state(voc), state(sbd)
    out = tmp_path / 'out'
    assert run(tool, '--voc', voc, '--sbd', sbd, '--out', out, *(['--copy'] if copy else [])) == 0
    assert_complete(out)
    assert (out / 'VOC2012/JPEGImages/2007_1.jpg').is_symlink() is not copy
    assert not (out / 'VOC2012/SegmentationClassAug/2007_1.png').is_symlink()
    assert not (out / 'VOC2012/ImageSets/Segmentation/train.txt').is_symlink()
    assert (state(voc), state(sbd)) == before


@pytest.mark.parametrize('voc_part, sbd_part', [
    ('VOCdevkit', 'benchmark_RELEASE'), ('VOCdevkit/VOC2012', 'benchmark_RELEASE/dataset')])
def test_inner_folders_may_be_given(tool, voc, sbd, tmp_path, published, voc_part, sbd_part):
    out = tmp_path / 'out'
    assert run(tool, '--voc', voc / voc_part, '--sbd', sbd / sbd_part, '--out', out) == 0
    assert_complete(out)


def test_a_run_that_was_stopped_is_completed(tool, voc, sbd, tmp_path, published):
    out = tmp_path / 'out'
    voc_tar = pack(voc, tmp_path / 'voc.tar', 'w')
    args = ('--voc', voc_tar, '--sbd', sbd, '--out', out)
    assert run(tool, *args) == 0
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
    assert run(tool, *args) == 0
    assert_complete(out)
    assert kept.stat().st_mtime == 1
    assert image.read_bytes() == whole


def test_sbd_may_be_added_later_to_what_is_there(tool, voc, sbd, tmp_path, published, capsys):
    out = tmp_path / 'out'
    assert run(tool, '--voc', voc, '--out', out) == 0
    assert 'without SBD: for voc_sbd configs give --sbd with benchmark.tgz' in (
        capsys.readouterr().out)
    assert run(tool, '--sbd', sbd, '--out', out) == 0
    assert_complete(out)
    # what lies in place already may also be named
    assert run(tool, '--voc', out / 'VOC2012', '--sbd', sbd, '--out', out) == 0
    assert_complete(out)


def test_processes_give_the_same_as_one(tool, voc, sbd, tmp_path, published):
    out = tmp_path / 'out'
    assert tool.main(['--voc', str(voc), '--sbd', str(sbd), '--out', str(out), '--jobs', '2']) == 0
    assert_complete(out)


def test_other_counts_are_told_and_fail_unless_allowed(tool, voc, sbd, tmp_path, capsys):
    args = ('--voc', voc, '--sbd', sbd, '--out', tmp_path / 'out')
    assert run(tool, *args) == 1
    printed = capsys.readouterr().out
    assert 'train_aug: 6 images, every label within 0..20 and 255, not the published 10582' in (
        printed)
    assert 'val: 2 images, every label within 0..20 and 255, not the published 1449' in printed
    assert 'VOC is not complete: get VOCtrainval_11-May-2012.tar from the PASCAL' in printed
    assert 'SBD is not complete: get benchmark.tgz' in printed
    assert run(tool, *args, '--allow-partial') == 0


def test_missing_masks_of_sbd_are_named(tool, voc, sbd, tmp_path, capsys, published):
    out = tmp_path / 'out'
    (sbd / 'benchmark_RELEASE/dataset/cls/2009_2.mat').unlink()
    args = ('--voc', voc, '--sbd', sbd, '--out', out)
    assert run(tool, *args) == 1
    printed = capsys.readouterr().out
    assert 'train_aug: no image or no mask for 2009_2\n' in printed
    assert 'SBD is not complete: get benchmark.tgz from the "Semantic Boundaries' in printed
    assert 'VOC is not complete' not in printed
    assert not (out / 'VOC2012/ImageSets/Segmentation/train_aug.txt').exists()
    assert run(tool, *args, '--allow-partial') == 0
    assert '2009_2' not in (out / 'VOC2012/ImageSets/Segmentation/train_aug.txt').read_text()


def test_real_files(tool, shared, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run(tool, '--voc', shared / 'data/voc_mini', '--out', out, '--allow-partial') == 0
    printed = capsys.readouterr().out
    assert 'train: 43 images' in printed and 'val: 50 images' in printed


def test_palette_is_that_of_the_real_masks(shared):
    path = next((shared / 'data/voc_mini/SegmentationClass').glob('*.png'))
    real = np.array(Image.open(path).getpalette()).reshape(-1, 3)
    np.testing.assert_array_equal(real, load_files().voc_palette())
