"""The converter from YOLO-seg."""
import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.datasets.labels.coco_builder import CocoBuilder
from plugin.datasets.labels.label_names import LabelNames
from tests.helpers.small_labels import load_tool, write_image

# x 6..30 of 60, y 4..20 of 40
ROW = '0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5'


@pytest.fixture(scope='module')
def tool(root):
    return load_tool(root, 'yolo_to_coco')


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')
    return path


@pytest.fixture
def folder(tmp_path):
    """A set as YOLO lays it out."""
    folder = tmp_path / 'my set 牛'
    write(folder / 'data.yaml', 'train: images/train\nnames:\n  0: cow\n  1: calf\n')
    write(folder / 'labels/train/a 1.txt', f'1 {ROW}\n\n0 0.75 0.5 0.1 0.2\n')
    write(folder / 'labels/val/b.txt', '')
    write_image(folder / 'images/train/a 1.JPG', orientation=6, size=(60, 40))
    write_image(folder / 'images/val/b.png')
    return folder


def read(path):
    content = json.loads(path.read_text())
    names = {category['id']: category['name'] for category in content['categories']}
    return [(names[ann['category_id']], ann['area'], ann['bbox'])
            for ann in content['annotations']]


def test_a_set(tool, folder, tmp_path, capsys):
    out = tmp_path / 'data.json'
    assert tool.main([str(folder), '--out', str(out), '--strict']) == 0
    content = json.loads(out.read_text())
    # the first image is turned when it is loaded
    assert [(i['file_name'], i['height'], i['width']) for i in content['images']] == [
        ('images/train/a 1.JPG', 40, 60), ('images/val/b.png', 40, 60)]
    assert read(out) == [('calf', 24 * 16, [6, 4, 24, 16]), ('cow', 48, [42, 16, 6, 8])]
    printed = capsys.readouterr().out
    assert 'line 3' in printed and 'a box, taken as a rectangle: outline the animal' in printed
    assert tool.main([str(folder / 'labels/train'), '--images', str(folder / 'images'), '--out',
                      str(out), '--overwrite']) == 0
    assert json.loads(out.read_text())['images'][0]['file_name'] == 'train/a 1.JPG'


def test_names_of_classes(tool, tmp_path, capsys):
    write(tmp_path / 'in/a.txt', f'1 {ROW}')
    write_image(tmp_path / 'in/a.png')
    out = tmp_path / 'data.json'
    command = [str(tmp_path / 'in'), '--out', str(out), '--overwrite']
    assert tool.main(command) == 1
    assert 'has no data.yaml or data.yml or' in capsys.readouterr().err
    assert tool.main([*command, '--as', 'cattle']) == 0
    assert read(out)[0][0] == 'cattle'
    assert tool.main([*command, '--names', 'cow, calf']) == 0
    assert read(out)[0][0] == 'calf'
    write(tmp_path / 'in/classes.txt', 'cow\nbull\n')
    assert tool.main(command) == 0
    assert read(out)[0][0] == 'bull'
    listed = write(tmp_path / 'names.yml', 'names: [a, b]')
    assert tool.main([*command, '--names', str(listed)]) == 0
    assert read(out)[0][0] == 'b'
    for text in ('names: 5', 'name: [a]', '{', '[1]'):
        write(listed, text)
        assert tool.main([*command, '--names', str(listed)]) == 1
        assert 'has no list of names' in capsys.readouterr().err


@pytest.mark.parametrize('row,words', [
    ('cow 0.1 0.1 0.2 0.2', "it is no row of numbers (could not convert string to float: 'cow')"),
    (f'7 {ROW}', 'class 7 has no name: the names are those of the classes 0, 1'),
    (f'0.5 {ROW}', 'class 0.5 has no name'), (f'nan {ROW}', 'class nan has no name'),
    (f'inf {ROW}', 'class inf has no name'), (f'-1 {ROW}', 'class -1 has no name'),
    (f'0 {ROW} 0.9', 'after the class it has 9 numbers, which are no pairs x y'),
    ('0', 'it has 0 distinct points'), ('0 0.1 0.1 0.2 0.2 0.1 0.1', 'it has 2 distinct points'),
    ('0 12 30 400 30 400 200', 'it has the number 400, and shares of width and height reach'),
    ('0 nan 0.1 0.5 0.1 0.5 0.5', 'shares of width and height'),
    ('0 0.1 nan 0.5 0.1 0.5 0.5', 'a coordinate is not a number'),
])
def test_rows_that_are_dropped(tool, tmp_path, capsys, row, words):
    write(tmp_path / 'a.txt', f'{row}\n1 {ROW}\n')
    write_image(tmp_path / 'a.png')
    out = tmp_path / 'data.json'
    assert tool.main([str(tmp_path), '--out', str(out), '--names', 'cow,calf']) == 0
    assert [name for name, _, _ in read(out)] == ['calf']
    printed = capsys.readouterr().out
    assert words in printed and 'line 1' in printed and '1 dropped' in printed


def test_files_that_are_left_out(tool, folder, tmp_path, capsys):
    write(folder / 'labels/val/gone.txt', f'0 {ROW}')
    write(folder / 'labels/val/two.txt', f'0 {ROW}')
    for name in ('two.png', 'two.jpg', 'odd.jpg'):
        write_image(folder / 'images/val' / name)
    (folder / 'labels/val/odd.txt').write_bytes(b'0 \xff')
    assert tool.main([str(folder), '--out', str(tmp_path / 'data.json')]) == 0
    printed = capsys.readouterr().out
    for words in ('there is no image of this name', 'there are two.jpg, two.png: keep one',
                  'byte 2 is no UTF-8', '3 left out'):
        assert words in printed


numbers = st.one_of(st.floats(-0.5, 1.5), st.floats(), st.sampled_from([0, 1, 'x']))
rows = st.tuples(st.sampled_from([0, 1, 5, 'x']), st.lists(numbers, max_size=9)).map(
    lambda row: ' '.join(map(str, [row[0], *row[1]])))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(rows, max_size=5))
def test_no_file_crashes_the_converter_or_loses_a_row(tool, tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp('x')
    source = write(folder / 'a.txt', '\n'.join(drawn))
    write_image(folder / 'a.png')
    builder = CocoBuilder(folder, LabelNames(name='cow'))
    tool.read(SimpleNamespace(sources=[source], names='cow,calf', name=None, images=None), builder)
    dropped = [finding for finding in builder.findings if finding.action == 'dropped']
    assert len(builder.content()['annotations']) + len(dropped) == len(drawn)
