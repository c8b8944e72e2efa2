"""Labels of YOLO-seg."""
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.datasets.labels import convert, yolo
from plugin.datasets.labels.coco_builder import CocoBuilder
from plugin.datasets.labels.label_files import ReadOptions
from plugin.datasets.labels.label_names import LabelNames
from plugin.utils import UserError
from tests.helpers.small_labels import animals, annotations_of, told, write_image

# x 6..30 of 60, y 4..20 of 40
ROW = '0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5'


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
            for ann in animals(content['annotations'])]


def test_a_set(folder, tmp_path):
    out = tmp_path / 'data.json'
    done = convert('yolo', folder, out, strict=True)
    content = json.loads(out.read_text())
    # the first image is turned when it is loaded
    assert [(i['file_name'], i['height'], i['width']) for i in content['images']] == [
        ('images/train/a 1.JPG', 40, 60), ('images/val/b.png', 40, 60)]
    assert read(out) == [('calf', 24 * 16, [6, 4, 24, 16]), ('cow', 48, [42, 16, 6, 8])]
    found = told(done.findings)
    assert 'line 3' in found and 'a box, taken as a rectangle: outline the animal' in found
    convert('yolo', folder / 'labels/train', out, images=folder / 'images', overwrite=True)
    assert json.loads(out.read_text())['images'][0]['file_name'] == 'train/a 1.JPG'


def test_names_of_classes(tmp_path):
    write(tmp_path / 'in/a.txt', f'1 {ROW}')
    write_image(tmp_path / 'in/a.png')
    out = tmp_path / 'data.json'

    def first_name(**options):
        convert('yolo', tmp_path / 'in', out, overwrite=True, **options)
        return read(out)[0][0]

    with pytest.raises(FileNotFoundError, match='has no data.yaml or data.yml or'):
        first_name()
    assert first_name(name='cattle') == 'cattle'
    assert first_name(names='cow, calf') == 'calf'
    write(tmp_path / 'in/classes.txt', 'cow\nbull\n')
    assert first_name() == 'bull'
    listed = write(tmp_path / 'names.yml', 'names: [a, b]')
    assert first_name(names=str(listed)) == 'b'
    for text in ('names: 5', 'name: [a]', '{', '[1]'):
        write(listed, text)
        with pytest.raises(UserError, match='has no list of names'):
            first_name(names=str(listed))


@pytest.mark.parametrize('row,words', [
    ('cow 0.1 0.1 0.2 0.2', "it is no row of numbers ('cow' is no number)"),
    (f'7 {ROW}', 'class 7 has no name: the names are those of the classes 0, 1'),
    (f'0.5 {ROW}', 'class 0.5 has no name'), (f'nan {ROW}', 'class nan has no name'),
    (f'inf {ROW}', 'class inf has no name'), (f'-1 {ROW}', 'class -1 has no name'),
    (f'0 {ROW} 0.9', 'after the class it has 9 numbers, which are no pairs x y'),
    ('0', 'it has 0 distinct points'), ('0 0.1 0.1 0.2 0.2 0.1 0.1', 'it has 2 distinct points'),
    ('0 12 30 400 30 400 200', 'it has the number 400, and shares of width and height reach'),
    ('0 nan 0.1 0.5 0.1 0.5 0.5', 'shares of width and height'),
    ('0 0.1 nan 0.5 0.1 0.5 0.5', 'a coordinate is not a number'),
])
def test_rows_that_are_dropped(tmp_path, row, words):
    write(tmp_path / 'a.txt', f'{row}\n1 {ROW}\n')
    write_image(tmp_path / 'a.png')
    out = tmp_path / 'data.json'
    found = told(convert('yolo', tmp_path, out, names='cow,calf').findings)
    assert [name for name, _, _ in read(out)] == ['calf']
    assert words in found and 'line 1' in found and '1 dropped' in found


def test_files_that_are_left_out(folder, tmp_path):
    write(folder / 'labels/val/gone.txt', f'0 {ROW}')
    write(folder / 'labels/val/two.txt', f'0 {ROW}')
    for name in ('two.png', 'two.jpg', 'odd.jpg'):
        write_image(folder / 'images/val' / name)
    (folder / 'labels/val/odd.txt').write_bytes(b'0 \xff')
    found = told(convert('yolo', folder, tmp_path / 'data.json').findings)
    for words in ('there is no image of this name', 'there are two.jpg, two.png: keep one',
                  'byte 2 is no UTF-8', '3 left out'):
        assert words in found


numbers = st.one_of(st.floats(-0.5, 1.5), st.floats(), st.sampled_from([0, 1, 'x']))
rows = st.tuples(st.sampled_from([0, 1, 5, 'x']), st.lists(numbers, max_size=9)).map(
    lambda row: ' '.join(map(str, [row[0], *row[1]])))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(rows, max_size=5))
def test_no_file_crashes_the_converter_or_loses_a_row(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp('x')
    source = write(folder / 'a.txt', '\n'.join(drawn))
    write_image(folder / 'a.png')
    builder = CocoBuilder(folder, LabelNames(name='cow'))
    yolo.read([source], builder, ReadOptions(names='cow,calf'))
    dropped = [finding for finding in builder.findings if finding.action == 'dropped']
    assert len(annotations_of(builder)) + len(dropped) == len(drawn)
