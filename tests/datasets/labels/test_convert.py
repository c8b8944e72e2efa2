"""What the conversions of all formats share: what is taken, what is refused, what is told."""
import errno
import json
import os

import pytest
from pycocotools.coco import COCO

from plugin.datasets.labels import LabelsError, convert
from plugin.utils import UserError
from tests.helpers.small_labels import shape, square, told, write_image, write_labelme


@pytest.fixture
def folder(tmp_path):
    """A set in which each thing goes wrong once."""
    folder = tmp_path / 'Stall Süd 牛'
    ring = [shape(square(2, 2, 12), group=1), shape(square(5, 5, 4), group=1)]
    write_labelme(folder / 'a [1].json', ring)
    write_labelme(folder / 'sub/b.json', [shape(square(50, 2, 20), label='Cow')])
    write_labelme(folder / 'sub/empty.json', [])
    write_labelme(folder / 'c.json', [shape([[1, 1], [5, 5]]), shape(square(2, 2, 5))])
    write_labelme(folder / 'lost.json', [shape(square(2, 2, 5))], image='lost.jpg')
    write_image(folder / 'sub/new.JPG')
    write_image(folder / '.hidden/x.png')
    return folder


def contents(folder):
    """Every file below a folder with its bytes."""
    return {path.relative_to(folder): path.read_bytes()
            for path in folder.rglob('*') if path.is_file()}


def test_a_set_with_faults(folder, tmp_path):
    before = contents(folder)
    out = tmp_path / 'out/data.json'
    done = convert('labelme', folder, out)
    assert contents(folder) == before
    coco = COCO(str(out))
    assert [image['file_name'] for image in coco.imgs.values()] == [
        'a [1].png', 'c.png', 'sub/b.png', 'sub/empty.png']
    assert [(ann['area'], ann['iscrowd']) for ann in coco.anns.values()] == [
        (144 - 16, 0), (25, 0), (16, 1), (200, 0)]
    assert [category['name'] for category in coco.cats.values()] == ['cow']
    assert [finding[:3] for finding in done.findings] == [
        ('a [1].json', 'shape 2', 'note'), ('c.json', 'shape 1', 'dropped'),
        ('lost.json', '', 'left out'), ('sub/b.json', 'shape 1', 'mended'), ('', '', 'note'),
        ('sub/b.json', '', 'merged')]
    assert 'clipped to the image of 60x40' in done.findings[3].reason
    assert done.findings[4].reason.endswith('sub/new.JPG')
    assert done[:4] == (out, 4, 1, dict(cow=3))


def test_strict_writes_nothing(folder, tmp_path):
    out = tmp_path / 'data.json'
    with pytest.raises(LabelsError, match='4 of the findings above would change') as stop:
        convert('labelme', folder, out, strict=True)
    assert f'{out} is not written' in str(stop.value) and 'shape 2' in told(stop.value.findings)
    assert not out.exists()


def test_strict_passes_what_changes_nothing(tmp_path):
    ring = [shape(square(2, 2, 12), group=1), shape(square(5, 5, 4), group=1)]
    write_labelme(tmp_path / 'a.json', ring)
    write_image(tmp_path / 'b.png')
    done = convert('labelme', tmp_path, tmp_path / 'data.json', strict=True)
    assert told(done.findings).endswith('2 note')


def test_a_set_without_faults(tmp_path):
    write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 12)), shape(square(20, 2, 9), 'calf')])
    out = tmp_path / 'data.json'
    assert convert('labelme', tmp_path, out).findings == []
    first = out.read_bytes()
    # the older result is no label
    convert('labelme', str(tmp_path), str(out), overwrite=True, strict=True)
    assert out.read_bytes() == first
    convert('labelme', tmp_path, out, overwrite=True, labels=['cow', 'calf'], name='cattle')
    assert [cat['name'] for cat in json.loads(out.read_text())['categories']] == ['cattle']
    done = convert('labelme', tmp_path, out, overwrite=True, labels=['bull', 'cow'])
    assert list(done.instances.items()) == [('bull', 0), ('cow', 1)]


def test_older_files_are_safe(tmp_path):
    source = write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 12))])
    before = source.read_bytes()
    with pytest.raises(FileExistsError, match='a.json exists already: choose another name'):
        convert('labelme', tmp_path, source)
    with pytest.raises(FileExistsError, match='is no COCO file, so that it is not replaced'):
        convert('labelme', tmp_path, source, overwrite=True)
    with pytest.raises(IsADirectoryError, match='is a folder: give the name of a file in it'):
        convert('labelme', tmp_path, tmp_path)
    assert source.read_bytes() == before


def test_negatives_come_from_the_sources_alone(tmp_path):
    for name in ('cam1', 'cam2'):
        write_labelme(tmp_path / name / 'a.json', [shape(square(2, 3, 10))])
        write_image(tmp_path / name / 'empty.png')
    write_image(tmp_path / 'cam3/never labelled.png')
    out = tmp_path / 'data.json'
    convert('labelme', [tmp_path / name for name in ('cam1', 'cam2')], out, negatives=True)
    assert {image['file_name'] for image in json.loads(out.read_text())['images']} == {
        f'{name}/{file}.png' for name in ('cam1', 'cam2') for file in ('a', 'empty')}


def test_negatives(tmp_path):
    write_labelme(tmp_path / 'in/a.json', [shape(square(2, 2, 12))])
    write_image(tmp_path / 'in/sub/b.PNG')
    out = tmp_path / 'data.json'
    done = convert('labelme', tmp_path / 'in', out, negatives=True)
    assert (done.images, done.empty) == (2, 1)
    # labels that were left out may belong to any of them
    write_labelme(tmp_path / 'in/old.json', [shape(square(2, 2, 12))], image='old.png')
    done = convert('labelme', tmp_path / 'in', out, negatives=True, overwrite=True)
    assert 'not taken in spite of --negatives' in told(done.findings)
    assert (done.images, done.empty) == (1, 0)


def test_several_folders_and_images_elsewhere(tmp_path):
    cow = [shape(square(2, 2, 12))]
    for name in ('x/1.json', 'y/1.json'):
        write_labelme(tmp_path / 'sets' / name, cow)
    out = tmp_path / 'data.json'
    convert('labelme', [tmp_path / f'sets/{name}' for name in ('x', 'y', 'x/1.json')], out)
    assert [image['file_name'] for image in json.loads(out.read_text())['images']] == [
        'x/1.png', 'y/1.png']
    write_labelme(tmp_path / 'labels/z/2.json', cow, image='2.png')
    write_image(tmp_path / 'pictures/z/2.png')
    convert('labelme', tmp_path / 'labels', out, images=tmp_path / 'pictures', overwrite=True,
            strict=True)
    assert [image['file_name'] for image in json.loads(out.read_text())['images']] == ['z/2.png']


@pytest.mark.parametrize('source, options, message', [
    ('absent', {}, 'absent does not exist: correct the path'),
    ('.', dict(images='absent'), 'absent does not exist'),
    ('.', dict(images='file'), '--images file is a file: give the folder'),
    ('.', {}, 'holds no .json file: give the folder of the labels'),
    ('file', {}, 'no labelled image is left: the list of findings says why'),
    ('.', dict(labels=['a', 'A']), 'the labels a, A name a class more than once'),
    ('.', dict(attribute='kind'), "attribute='kind' is for format='via' alone: leave it away"),
    ('.', dict(names='a,b'), "names='a,b' is for format='yolo' alone"),
])
def test_wrong_arguments(tmp_path, monkeypatch, source, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').write_text('x')
    with pytest.raises((OSError, UserError)) as error:
        convert('labelme', source, 'data.json', **options)
    assert message in str(error.value)
    assert not (tmp_path / 'data.json').exists()


def test_unknown_format(tmp_path):
    with pytest.raises(UserError, match="format='voc' is none of coco, labelme, via, cvat, yolo"):
        convert('voc', tmp_path, tmp_path / 'data.json')


@pytest.mark.parametrize('error', [
    KeyboardInterrupt(), OSError(errno.ENOSPC, 'No space left on device')])
def test_stopped_in_the_middle(tmp_path, monkeypatch, error):
    write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 12))])

    def fail(*_):
        raise error

    monkeypatch.setattr(os, 'replace', fail)
    before = contents(tmp_path)
    with pytest.raises(type(error)):
        convert('labelme', tmp_path, tmp_path / 'data.json')
    assert contents(tmp_path) == before


def test_real_labels(shared, tmp_path):
    done = convert('labelme', shared / 'data/pigs', tmp_path / 'data.json', strict=True)
    assert (done.images, done.empty, done.instances) == (323, 0, dict(pig=472))
