"""Laying out VOC and SBD from files that are wrong, broken or hostile."""
import io
import tarfile

import numpy as np
import pytest
from scipy.io import savemat
from tests.helpers.voc_sources import load_files, load_tool, make_sbd, make_voc, pack, save_png


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


def add(tar, name, content=b'', type=tarfile.REGTYPE, linkname=''):
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(content), type, linkname
    tar.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize('split, labels', [('VOC2012/SegmentationClass', 'SegmentationClass'),
                                           ('sbd', 'SegmentationClassAug')])
def test_values_of_labels_are_checked(tool, voc, sbd, tmp_path, capsys, published, split, labels):
    bad = np.full((6, 8), 33, np.uint8)
    if split == 'sbd':
        savemat(sbd / 'benchmark_RELEASE/dataset/cls/2009_2.mat', {
            'GTcls': dict(Segmentation=bad)})
        name = '2009_2'
    else:
        name = '2007_3'
        save_png(voc / f'VOCdevkit/{split}/{name}.png', bad)
    assert run(tool, '--voc', voc, '--sbd', sbd, '--out', tmp_path / 'out') == 1
    assert f'error: class id 33 in SegmentationClassAug/{name}.png is outside 0..20' in (
        capsys.readouterr().err)


def test_an_archive_cannot_write_elsewhere(tool, voc, tmp_path, published):
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
    run(tool, '--voc', archive, '--out', out)
    elsewhere = [p for p in tmp_path.rglob('*evil*') if out / 'VOC2012/JPEGImages' not in p.parents]
    assert elsewhere == []
    assert secret.read_bytes() == b'secret'
    for name in ('link', 'hard', 'fifo'):
        assert not (out / f'VOC2012/JPEGImages/{name}.jpg').exists()
    assert not (out / 'VOC2012/JPEGImages').is_symlink()


def test_errors_name_the_value_and_the_cure(tool, voc, sbd, tmp_path, capsys, published):
    out = tmp_path / 'out'

    def error_of(*args):
        assert run(tool, *args, '--out', out) == 1
        return capsys.readouterr().err

    assert error_of().startswith(
        f'error: {out}/VOC2012 has no JPEGImages: give --voc with VOCtrainval_11-May-2012.tar')
    assert error_of('--voc', tmp_path / 'no.tar') == (
        f'error: {tmp_path}/no.tar does not exist: give the archive as it was downloaded, or the '
        'folder it was unpacked to\n')
    assert error_of('--voc', sbd).startswith(f'error: {sbd} has no folder JPEGImages: give VOC')
    page = tmp_path / 'page.tar'
    page.write_text('<html>moved</html>')
    assert error_of('--voc', page).startswith(f'error: {page} is no tar archive, or is cut off')
    assert 'has no dataset/train.txt and val.txt: give benchmark.tgz' in error_of(
        '--voc', voc, '--sbd', voc)
    (sbd / 'benchmark_RELEASE/dataset/cls/2009_1.mat').write_bytes(b'no mat file' * 50)
    assert error_of('--voc', voc, '--sbd', sbd) == (
        'error: cls/2009_1.mat of SBD: no GTcls.Segmentation is in it: take the files of cls/\n')


@pytest.mark.parametrize('mode, suffix', [('w', 'tar'), ('w:gz', 'tgz')])
def test_an_archive_that_is_cut_off(tool, voc, tmp_path, capsys, published, mode, suffix):
    archive = pack(voc, tmp_path / f'voc.{suffix}', mode)
    content = archive.read_bytes()
    archive.write_bytes(content[:len(content) // 2])
    assert run(tool, '--voc', archive, '--out', tmp_path / 'out') == 1
    error = capsys.readouterr().err
    assert 'is cut off' in error or 'has no folder' in error
    archive.write_bytes(content)
    assert run(tool, '--voc', archive, '--out', tmp_path / 'out') == 0


def test_a_full_disk_is_one_sentence(tool, voc, tmp_path, capsys, monkeypatch):
    def full(self, target, *args, **kwargs):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr('pathlib.Path.symlink_to', full)
    assert run(tool, '--voc', voc, '--out', tmp_path / 'out') == 1
    assert capsys.readouterr().err == (
        'error: [Errno 28] No space left on device\n'
        'what is done is kept: run the same command again to go on\n')


def test_wrong_number_of_jobs(tool, capsys):
    with pytest.raises(SystemExit):
        tool.main(['--jobs', '0'])
    assert '--jobs 0 does no work: give 1 or more' in capsys.readouterr().err


def test_instances_are_not_taken_for_classes(sbd):
    content = (sbd / 'benchmark_RELEASE/dataset/inst/2009_1.mat').read_bytes()
    with pytest.raises(ValueError, match='no GTcls.Segmentation is in it: take the files of cls/'):
        load_files().sbd_labels(content)
