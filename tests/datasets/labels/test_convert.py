"""The converter from LabelMe, and what all converters share: arguments, report, exit status."""
import errno
import json
import os

import pytest
from pycocotools.coco import COCO

from tests.helpers.small_labels import load_tool, shape, square, write_image, write_labelme


@pytest.fixture(scope='module')
def tool(root):
    return load_tool(root, 'labelme_to_coco')


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


def test_a_set_with_faults(tool, folder, tmp_path, capsys):
    before = contents(folder)
    out = tmp_path / 'out/data.json'
    assert tool.main([str(folder), '--out', str(out)]) == 0
    assert contents(folder) == before
    coco = COCO(str(out))
    printed = capsys.readouterr().out
    assert [image['file_name'] for image in coco.imgs.values()] == [
        'a [1].png', 'c.png', 'sub/b.png', 'sub/empty.png']
    assert [ann['area'] for ann in coco.anns.values()] == [144 - 16, 25, 200]
    assert [category['name'] for category in coco.cats.values()] == ['cow']
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in printed.splitlines()
            if line.startswith('│')]
    assert [row[:3] for row in rows] == [
        ['a [1].json', 'shape 2', 'note'], ['c.json', 'shape 1', 'dropped'],
        ['lost.json', '', 'left out'], ['sub/b.json', 'shape 1', 'mended'], ['(all)', '', 'note'],
        ['sub/b.json', '', 'merged']]
    assert 'clipped to the image of 60x40' in rows[3][3]
    assert rows[4][3].endswith('sub/new.JPG')
    assert '2 note, 1 dropped, 1 left out, 1 mended, 1 merged' in printed
    assert f'{out}: 4 images, 1 of them without animals; 3 cow' in printed


def test_strict_writes_nothing(tool, folder, tmp_path, capsys):
    out = tmp_path / 'data.json'
    assert tool.main([str(folder), '--out', str(out), '--strict']) == 1
    printed = capsys.readouterr()
    assert '4 of the findings above would change the labels' in printed.err
    assert f'{out} is not written' in printed.err and 'shape 2' in printed.out
    assert not out.exists()


def test_strict_passes_what_changes_nothing(tool, tmp_path, capsys):
    ring = [shape(square(2, 2, 12), group=1), shape(square(5, 5, 4), group=1)]
    write_labelme(tmp_path / 'a.json', ring)
    write_image(tmp_path / 'b.png')
    assert tool.main([str(tmp_path), '--out', str(tmp_path / 'data.json'), '--strict']) == 0
    assert '2 note' in capsys.readouterr().out


def test_a_set_without_faults(tool, tmp_path, capsys):
    write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 12)), shape(square(20, 2, 9), 'calf')])
    out = tmp_path / 'data.json'
    assert tool.main([str(tmp_path), '--out', str(out)]) == 0
    assert 'nothing to mend: every label is taken as it was drawn' in capsys.readouterr().out
    first = out.read_bytes()
    # the older result is no label
    assert tool.main([str(tmp_path), '--out', str(out), '--overwrite', '--strict']) == 0
    assert out.read_bytes() == first
    assert tool.main([str(tmp_path), '--out', str(out), '--overwrite', '--labels', 'cow,calf',
                      '--as', 'cattle']) == 0
    assert [cat['name'] for cat in json.loads(out.read_text())['categories']] == ['cattle']
    assert tool.main([str(tmp_path), '--out', str(out), '--overwrite', '--labels', 'bull, cow']) \
        == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith('0 bull, 1 cow')


def test_older_files_are_safe(tool, tmp_path, capsys):
    source = write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 12))])
    before = source.read_bytes()
    assert tool.main([str(tmp_path), '--out', str(source)]) == 1
    assert 'a.json exists already: choose another name' in capsys.readouterr().err
    assert tool.main([str(tmp_path), '--out', str(source), '--overwrite']) == 1
    assert 'is no COCO file, so that it is not replaced' in capsys.readouterr().err
    assert tool.main([str(tmp_path), '--out', str(tmp_path)]) == 1
    assert 'is a folder: give the name of a file in it' in capsys.readouterr().err
    assert source.read_bytes() == before


def test_negatives_come_from_the_sources_alone(tool, tmp_path):
    for name in ('cam1', 'cam2'):
        write_labelme(tmp_path / name / 'a.json', [shape(square(2, 3, 10))])
        write_image(tmp_path / name / 'empty.png')
    write_image(tmp_path / 'cam3/never labelled.png')
    out = tmp_path / 'data.json'
    assert tool.main([*(str(tmp_path / name) for name in ('cam1', 'cam2')), '--negatives',
                      '--out', str(out)]) == 0
    assert {image['file_name'] for image in json.loads(out.read_text())['images']} == {
        f'{name}/{file}.png' for name in ('cam1', 'cam2') for file in ('a', 'empty')}


def test_negatives(tool, tmp_path, capsys):
    write_labelme(tmp_path / 'in/a.json', [shape(square(2, 2, 12))])
    write_image(tmp_path / 'in/sub/b.PNG')
    out, command = tmp_path / 'data.json', [str(tmp_path / 'in'), '--negatives', '--overwrite']
    assert tool.main([*command, '--out', str(out)]) == 0
    assert '2 images, 1 of them without animals' in capsys.readouterr().out
    # labels that were left out may belong to any of them
    write_labelme(tmp_path / 'in/old.json', [shape(square(2, 2, 12))], image='old.png')
    assert tool.main([*command, '--out', str(out)]) == 0
    printed = capsys.readouterr().out
    assert 'not taken in spite of --negatives' in printed and '1 image, 0' in printed


def test_several_folders_and_images_elsewhere(tool, tmp_path):
    cow = [shape(square(2, 2, 12))]
    for name in ('x/1.json', 'y/1.json'):
        write_labelme(tmp_path / 'sets' / name, cow)
    out = tmp_path / 'data.json'
    sources = [str(tmp_path / 'sets/x'), str(tmp_path / 'sets/y'), str(tmp_path / 'sets/x/1.json')]
    assert tool.main([*sources, '--out', str(out)]) == 0
    assert [image['file_name'] for image in json.loads(out.read_text())['images']] == [
        'x/1.png', 'y/1.png']
    write_labelme(tmp_path / 'labels/z/2.json', cow, image='2.png')
    write_image(tmp_path / 'pictures/z/2.png')
    assert tool.main([str(tmp_path / 'labels'), '--images', str(tmp_path / 'pictures'),
                      '--out', str(out), '--overwrite', '--strict']) == 0
    assert [image['file_name'] for image in json.loads(out.read_text())['images']] == ['z/2.png']


@pytest.mark.parametrize('words,message', [
    (['absent'], 'absent does not exist: correct the path'),
    (['.', '--images', 'absent'], 'absent does not exist'),
    (['.', '--images', 'file'], '--images file is a file: give the folder'),
    (['.'], 'holds no .json file: give the folder of the labels'),
    (['file'], 'no labelled image is left: the list of findings says why'),
    (['.', '--labels', 'a,A'], 'the labels a, A name a class more than once'),
])
def test_wrong_arguments(tool, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').write_text('x')
    assert tool.main([*words, '--out', 'data.json']) == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ') and message in error
    assert not (tmp_path / 'data.json').exists()


def test_empty_label_on_the_command_line(tool, capsys):
    with pytest.raises(SystemExit):
        tool.main(['.', '--out', 'x.json', '--labels', 'a,,b'])
    assert "'a,,b' has an empty name: write A,B" in capsys.readouterr().err


@pytest.mark.parametrize('error,status,words', [
    (KeyboardInterrupt(), 130, 'interrupted'),
    (OSError(errno.ENOSPC, 'No space left on device'), 1, 'No space left on device')])
def test_stopped_in_the_middle(tool, tmp_path, monkeypatch, capsys, error, status, words):
    write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 12))])

    def fail(*_):
        raise error

    monkeypatch.setattr(os, 'replace', fail)
    before = contents(tmp_path)
    assert tool.main([str(tmp_path), '--out', str(tmp_path / 'data.json')]) == status
    assert words in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_real_labels(tool, shared, tmp_path, capsys):
    out = tmp_path / 'data.json'
    assert tool.main([str(shared / 'data/pigs'), '--out', str(out), '--strict']) == 0
    assert '323 images, 0 of them without animals; 472 pig' in capsys.readouterr().out
