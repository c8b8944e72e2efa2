"""The converters of labels as programs: what they print, their exit status."""
import errno
import json
import os

import numpy as np
import pytest

from plugin.datasets.labels.polygons import mask_to_rle
from tests.helpers.coco_exports import export, write
from tests.helpers.small_labels import shape, square, write_image, write_labelme
from tests.helpers.tool_calls import call_tool

ROW = '0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5'


def rows(printed):
    """The cells of a table."""
    return [[cell.strip() for cell in line.split('│')[1:-1]] for line in printed.splitlines()
            if line.startswith('│')]


def test_labelme_with_faults(tmp_path, capsys):
    folder, out = tmp_path / 'Stall Süd 牛', tmp_path / 'out/data.json'
    write_labelme(folder / 'a [1].json', [shape(square(2, 2, 12))])
    write_labelme(folder / 'sub/b.json', [shape(square(50, 2, 20))])
    write_image(folder / 'sub/new.JPG')
    assert call_tool('labelme_to_coco', folder, '--out', out) == 0
    printed = capsys.readouterr().out
    table = rows(printed)
    assert [row[:3] for row in table] == [
        ['sub/b.json', 'shape 1', 'mended'], ['(all)', '', 'note']]
    assert 'clipped to the image of 60x40' in table[0][3] and table[1][3].endswith('sub/new.JPG')
    assert printed.splitlines()[-2:] == [
        '1 mended, 1 note', f'{out}: 2 images, 0 of them without animals; 2 cow']
    assert call_tool('labelme_to_coco', folder, '--out', out, '--overwrite', '--strict') == 1
    printed = capsys.readouterr()
    assert rows(printed.out) == table
    assert printed.err.startswith('error: 1 of the findings above would change the labels')


def test_labelme_without_faults(tmp_path, capsys):
    write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 12))])
    out = tmp_path / 'data.json'
    assert call_tool('labelme_to_coco', tmp_path, '--out', out) == 0
    assert capsys.readouterr().out == (
        'nothing to mend: every label is taken as it was drawn\n'
        f'{out}: 1 image, 0 of them without animals; 1 cow\n')
    assert call_tool('labelme_to_coco', tmp_path, '--out', out, '--overwrite', '--labels',
                    'bull, cow', '--negatives') == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith('0 bull, 1 cow')
    assert call_tool('labelme_to_coco', tmp_path, '--out', out, '--overwrite', '--as', 'x') == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith('1 x')


def test_mistakes(tmp_path, capsys):
    assert call_tool('labelme_to_coco', tmp_path / 'absent', '--out', tmp_path / 'data.json') == 1
    assert capsys.readouterr().err == (
        f'error: {tmp_path}/absent does not exist: correct the path.\n')
    assert call_tool('labelme_to_coco', '.', '--out', 'x.json', '--labels', 'a,,b') == 2
    assert "'a,,b' has an empty name: write A,B" in capsys.readouterr().err


@pytest.mark.parametrize('error,status,words', [
    (KeyboardInterrupt(), 130,
     'interrupted: nothing half-done is left, run the same command again'),
    (OSError(errno.ENOSPC, 'No space left on device'), 1,
     "error: [Errno 28] No space left on device: '{}'.")])
def test_stopped_in_the_middle(tmp_path, monkeypatch, capsys, error, status, words):
    write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 12))])

    def fail(*_):
        raise error

    monkeypatch.setattr(os, 'replace', fail)
    out = tmp_path / 'data.json'
    assert call_tool('labelme_to_coco', tmp_path, '--out', out) == status
    assert capsys.readouterr().err == f'{words.format(out)}\n'
    assert not (tmp_path / 'data.json').exists()


def test_via(tmp_path, capsys):
    write_image(tmp_path / 'pictures/a.png')
    region = dict(shape_attributes=dict(name='rect', x=20, y=2, width=10, height=5),
                  region_attributes=dict(kind='cow', age='old'))
    (tmp_path / 'via.json').write_text(json.dumps(dict(a=dict(filename='a.png', regions=[region]))))
    out = tmp_path / 'data.json'
    command = ['via_to_coco', tmp_path / 'via.json', '--images', tmp_path / 'pictures',
               '--out', out]
    assert call_tool(*command) == 1
    assert 'name the one that is the class by --attribute' in capsys.readouterr().err
    assert call_tool(*command, '--attribute', 'kind') == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f'{out}: 1 image, 0 of them without animals; 1 cow')


def test_cvat(tmp_path, capsys):
    write_image(tmp_path / 'images/a.png')
    (tmp_path / 'annotations.xml').write_text(
        '<annotations><image name="a.png" width="60" height="40">'
        '<box label="cow" xtl="2" ytl="2" xbr="9" ybr="9"/></image></annotations>')
    out = tmp_path / 'data.json'
    assert call_tool('cvat_to_coco', tmp_path, '--out', out, '--strict') == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f'{out}: 1 image, 0 of them without animals; 1 cow')


def test_yolo(tmp_path, capsys):
    write_image(tmp_path / 'a.png')
    (tmp_path / 'a.txt').write_text(f'1 {ROW}\n')
    out = tmp_path / 'data.json'
    assert call_tool('yolo_to_coco', tmp_path, '--out', out, '--names', 'cow,calf') == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f'{out}: 1 image, 0 of them without animals; 1 calf')


def test_the_way_back(tmp_path, capsys):
    write_image(tmp_path / 'a.png')
    results, out = tmp_path / 'results.json', tmp_path / 'out'
    mask = np.zeros((40, 60))
    mask[20:, 20:] = 1
    entry = dict(image_id=1, file_name='a.png', category_id=1, bbox=[0, 0, 1, 1])
    results.write_text(json.dumps([
        dict(entry, score=0.9, segmentation=mask_to_rle(mask)),
        dict(entry, score=0.9, segmentation=mask_to_rle(np.zeros((40, 60)))),
        dict(entry, score=0.1, segmentation=mask_to_rle(mask))]))
    command = ['coco_to_labelme', results, '--images', tmp_path, '--out', out, '--labels', 'cow',
               '--score-thr', 0.5]
    assert call_tool(*command) == 0
    assert capsys.readouterr().out == (
        f'1 predictions cover no pixel and are left out\n{out}: 1 LabelMe files with 1 animals\n')
    assert call_tool(*command) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        f'{out}: 0 LabelMe files with 0 animals',
        '1 were there and stay as they are (--overwrite replaces them): a.json']
    assert call_tool(*command, '--overwrite') == 0
    assert call_tool('coco_to_labelme', results, '--images', tmp_path, '--out', out) == 1
    assert 'do not name the classes: give the COCO file' in capsys.readouterr().err


def test_coco_of_another_tool(tmp_path, capsys):
    """One line a kind, with the number and first names; what is lost is named whole."""
    content = export(5)
    for one in content['annotations']:
        one['image_id'] = str(one['image_id'])
        one['segmentation'] = one['segmentation'][0]
    content['annotations'][4]['segmentation'] = []
    path, out = write(tmp_path / 'Stall Süd 牛', content), tmp_path / 'out.json'
    assert call_tool('coco_to_coco', path, '--out', out) == 0
    printed = capsys.readouterr().out
    table = rows(printed)
    assert [row[2] for row in table] == ['mended', 'mended', 'dropped']
    assert '(4 such: data.json: p1.png annotation 1, data.json: p2.png annotation 2' in table[1][3]
    assert table[2][:2] == ['data.json: p5.png', 'annotation 5']
    assert printed.splitlines()[-1] == (
        f'{out}: 5 images, 0 of them without animals; 4 cow, 1 region to ignore')


def test_a_coco_file_is_no_project_of_via(tmp_path, capsys):
    path = write(tmp_path, export())
    assert call_tool('via_to_coco', path, '--out', tmp_path / 'out.json', '--as', 'cow') == 1
    assert 'give the project of VIA, or read it by `pasture convert coco`' in capsys.readouterr().out
