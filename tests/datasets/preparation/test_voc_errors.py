"""Laying out VOC and SBD from files that are wrong, broken or hostile."""
import contextlib
import io
import tarfile

import numpy as np
import pytest
from scipy.io import savemat

from plugin.datasets.preparation import prepare_voc
from plugin.datasets.preparation import voc as module
from plugin.datasets.preparation.voc_files import sbd_labels
from plugin.utils import UserError
from tests.helpers.voc_sources import COUNTS, make_sbd, make_voc, pack, save_png


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


def add(tar, name, content=b'', type=tarfile.REGTYPE, linkname=''):
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(content), type, linkname
    tar.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize('split, labels', [('VOC2012/SegmentationClass', 'SegmentationClass'),
                                           ('sbd', 'SegmentationClassAug')])
def test_values_of_labels_are_checked(voc, sbd, tmp_path, published, split, labels):
    bad = np.full((6, 8), 33, np.uint8)
    if split == 'sbd':
        savemat(sbd / 'benchmark_RELEASE/dataset/cls/2009_2.mat', {
            'GTcls': dict(Segmentation=bad)})
        name = '2009_2'
    else:
        name = '2007_3'
        save_png(voc / f'VOCdevkit/{split}/{name}.png', bad)
    with pytest.raises(UserError, match=f'class id 33 in SegmentationClassAug/{name}.png is '
                       'outside 0..20'):
        prepare_voc(tmp_path / 'out', voc=voc, sbd=sbd)


def test_an_archive_cannot_write_elsewhere(voc, tmp_path, published):
    """Parents, absolute paths, links and devices in the names of an archive."""
    archive, out = tmp_path / 'voc.tar', tmp_path / 'deep/out'
    secret = tmp_path / 'secret.jpg'
    secret.write_bytes(b'secret')
    with tarfile.open(archive, 'w') as tar:
        add(tar, 'VOCdevkit/VOC2012/JPEGImages/../../../../evil1.jpg', b'evil')
        add(tar, '../../JPEGImages/evil2.jpg', b'evil')
        add(tar, '/tmp/JPEGImages/evil3.jpg', b'evil')
        add(tar, 'VOCdevkit/VOC2012/JPEGImages/link.jpg', type=tarfile.SYMTYPE,
            linkname=str(secret))
        add(tar, 'VOCdevkit/VOC2012/JPEGImages/hard.jpg', type=tarfile.LNKTYPE,
            linkname=str(secret))
        add(tar, 'VOCdevkit/VOC2012/JPEGImages/fifo.jpg', type=tarfile.FIFOTYPE)
        add(tar, 'VOCdevkit/VOC2012/JPEGImages', type=tarfile.SYMTYPE, linkname=str(tmp_path))
        tar.add(voc / 'VOCdevkit', arcname='VOCdevkit')
    with contextlib.suppress(OSError, UserError):
        prepare_voc(out, voc=archive)
    elsewhere = [p for p in tmp_path.rglob('*evil*') if out / 'VOC2012/JPEGImages' not in p.parents]
    assert elsewhere == []
    assert secret.read_bytes() == b'secret'
    for name in ('link', 'hard', 'fifo'):
        assert not (out / f'VOC2012/JPEGImages/{name}.jpg').exists()
    assert not (out / 'VOC2012/JPEGImages').is_symlink()


def test_errors_name_the_value_and_the_cure(voc, sbd, tmp_path, published):
    out = tmp_path / 'out'

    def error_of(**options):
        with pytest.raises((OSError, UserError)) as error:
            prepare_voc(out, **options)
        return str(error.value)

    assert error_of().startswith(
        f'{out}/VOC2012 has no JPEGImages: give --voc with VOCtrainval_11-May-2012.tar')
    assert error_of(voc=tmp_path / 'no.tar') == (
        f'{tmp_path}/no.tar does not exist: give the archive as it was downloaded, or the '
        'folder it was unpacked to')
    assert error_of(voc=sbd).startswith(f'{sbd} has no folder JPEGImages: give VOC')
    page = tmp_path / 'page.tar'
    page.write_text('<html>moved</html>')
    assert error_of(voc=page).startswith(f'{page} is no tar archive, or is cut off')
    assert 'has no dataset/train.txt and val.txt: give benchmark.tgz' in error_of(
        voc=voc, sbd=voc)
    (sbd / 'benchmark_RELEASE/dataset/cls/2009_1.mat').write_bytes(b'no mat file' * 50)
    assert error_of(voc=voc, sbd=sbd) == (
        'cls/2009_1.mat of SBD: no GTcls.Segmentation is in it: take the files of cls/')


@pytest.mark.parametrize('mode, suffix', [('w', 'tar'), ('w:gz', 'tgz')])
def test_an_archive_that_is_cut_off(voc, tmp_path, published, mode, suffix):
    archive = pack(voc, tmp_path / f'voc.{suffix}', mode)
    content = archive.read_bytes()
    archive.write_bytes(content[:len(content) // 2])
    with pytest.raises(UserError, match='is cut off|has no folder'):
        prepare_voc(tmp_path / 'out', voc=archive)
    archive.write_bytes(content)
    assert prepare_voc(tmp_path / 'out', voc=archive).is_complete


def test_instances_are_not_taken_for_classes(sbd):
    content = (sbd / 'benchmark_RELEASE/dataset/inst/2009_1.mat').read_bytes()
    with pytest.raises(ValueError, match='no GTcls.Segmentation is in it: take the files of cls/'):
        sbd_labels(content)
