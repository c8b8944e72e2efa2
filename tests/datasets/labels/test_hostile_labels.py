"""Labels of strangers in every format: taken, or left out with a reason that can be printed."""
import base64
import io
import json
import random

import numpy as np
import pytest
from PIL import Image

from plugin.datasets.labels import convert
from plugin.datasets.labels.yolo import class_names
from plugin.utils import UserError
from plugin.utils.errors import sentence
from tests.helpers.small_labels import mask_shape, shape, square, write_image

DEEP = '[' * 800 + ']' * 800
# as JSON texts: Python writes none of them
ODD = ['NaN', '1e999', '1' + '0' * 400, 'null', 'true', '[]', '{}', '-1', '""', '[[1]]', DEEP,
       '"\\u202e\\u001b[2J\\n"', '"\\u0000"', '"\\ud800"', json.dumps('x' * 5000),
       json.dumps('x/' * 5000), '[[1, 2], [1e999, 3], [NaN, 4]]', '[[1, 2, 3]]',
       '{"a": ' + DEEP + '}']
LABELME = dict(imagePath='a.png', imageData=None, imageHeight=40, imageWidth=60, shapes=[
    shape(square(2, 2, 12), group=1), mask_shape(np.ones((4, 5)), 3, 3),
    shape([[20, 20], [25, 20]], kind='circle'), shape([[1, 1], [9, 9]], kind='rectangle')])
VIA = {'a.png-1': dict(filename='a.png', size=-1, regions=[
    dict(shape_attributes=dict(name='polygon', all_points_x=[2, 20, 20], all_points_y=[2, 2, 20]),
         region_attributes=dict(kind='cow')),
    dict(shape_attributes=dict(name='ellipse', cx=9, cy=9, rx=5, ry=4, theta=0.1),
         region_attributes=dict(kind={'cow': True})),
    dict(shape_attributes=dict(name='rect', x=1, y=1, width=9, height=9),
         region_attributes=dict(kind='calf'))], file_attributes={})}
CVAT = """<annotations><image id="0" name="a.png" width="60" height="40">
<polygon label="cow" points="2,2;20,2;20,20" group_id="1"/>
<box label="cow" xtl="1" ytl="1" xbr="9" ybr="9" rotation="5"/>
<ellipse label="cow" cx="9" cy="9" rx="5" ry="4"/>
<mask label="cow" rle="2, 2, 2" left="3" top="3" width="3" height="2"/></image></annotations>"""
YOLO = '0 0.1 0.1 0.5 0.1 0.5 0.5\n1 0.5 0.5 0.2 0.2\n'


def convert_all(kind, folder):
    """Convert labels; gives all that is said, which can be printed and is no novel."""
    try:
        done = convert(kind, folder, folder / 'out.json', overwrite=True)
    except (OSError, UserError) as error:
        said = [sentence(error), *(text for one in getattr(error, 'findings', []) for text in one)]
    else:
        said = [text for one in done.findings for text in one]
        json.loads((folder / 'out.json').read_text(), parse_constant=pytest.fail)
    for text in said:
        assert text.isprintable() and len(text) < 2500
    return said


def places(value, path=()):
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(
        value if isinstance(value, list) else [])
    for key, item in parts:
        yield from places(item, (*path, key))


def replaced(value, path, text):
    def rebuild(part, rest):
        if not rest:
            return '@odd@'
        pairs = part.items() if isinstance(part, dict) else enumerate(part)
        new = {key: rebuild(item, rest[1:]) if key == rest[0] else item for key, item in pairs}
        return new if isinstance(part, dict) else list(new.values())
    return json.dumps(rebuild(value, path)).replace('"@odd@"', text)


@pytest.mark.parametrize('kind, content', [('labelme', LABELME), ('via', VIA)])
def test_any_value_of_json_is_taken_or_told(kind, content, tmp_path):
    write_image(tmp_path / 'a.png')
    for number, path in enumerate(places(content)):
        for text in ODD[number % 6::6]:
            (tmp_path / 'a.json').write_text(replaced(content, path, text))
            convert_all(kind, tmp_path)


@pytest.mark.parametrize('kind, name, content', [
    ('cvat', 'a.xml', CVAT), ('yolo', 'a.txt', YOLO)])
def test_any_text_is_taken_or_told(kind, name, content, tmp_path):
    write_image(tmp_path / 'a.png')
    (tmp_path / 'classes.txt').write_text('cow\ncalf\n')
    draw = random.Random(0)
    numbers = ['nan', 'inf', '1e308', '-1e308', '9' * 5000, '', 'x', '\x1b[2J', '\u202e', '-5']
    for _ in range(150):
        text = content
        for _ in range(draw.randint(1, 3)):
            start = draw.randrange(len(text))
            text = text[:start] + draw.choice(numbers) + text[start + draw.randint(0, 4):]
        (tmp_path / name).write_text(text)
        convert_all(kind, tmp_path)


@pytest.mark.parametrize('text, words', [
    ('a: &a [x, x]\nnames: [*a, *a]', r'the alias \*a stands for another value'),
    ('names: [[cow]]', 'a list is no name'), ('names: [{cow: 1}]', 'a dict is no name'),
    ('names: [' + 'k' * 500 + ']', 'a name has 500 letters, more than 200'),
    ('names: {.inf: cow}', 'OverflowError'), ('names: {.nan: cow}', 'ValueError'),
    ('names: 5', 'TypeError'), ('cow', 'TypeError'), ('names: [2001-99-99]', 'ValueError'),
    ('names: [' + '[' * 5000, 'has no list of names'),
    ('names: [!!python/name:os.system a]', 'has no list of names'),
    ('#' * 1_000_001, 'more than 1000000 bytes'), ('names: cow', 'names is .cow.'),
    ('names: {0.5: cow}', '0.5 is no number of a class'),
    ('names: {0: cow, "0": calf}', 'a class has two names'),
    ('names: [~]', 'a NoneType is no name')])
def test_names_that_are_none(text, words, tmp_path):
    (tmp_path / 'data.yaml').write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=words) as caught:
        class_names(None, [tmp_path], None)
    assert 'data.yaml has no list of names' in str(caught.value) and len(str(caught.value)) < 2500


def test_names_that_people_write(tmp_path):
    for text in ('names: [cow, 7, 1.5, yes]', 'names: {3: cow, 1: "7"}', 'names: []'):
        (tmp_path / 'data.yaml').write_text(text)
        assert class_names(None, [tmp_path], None) in (
            {0: 'cow', 1: '7', 2: '1.5', 3: 'True'}, {3: 'cow', 1: '7'}, {})


def test_a_mask_larger_than_its_image_is_not_decoded(tmp_path):
    stream = io.BytesIO()
    Image.new('1', (4000, 3000)).save(stream, format='PNG')
    entry = shape([[0, 0], [3999, 2999]], kind='mask',
                  mask=base64.b64encode(stream.getvalue()).decode())
    write_image(tmp_path / 'a.png')
    (tmp_path / 'a.json').write_text(json.dumps(dict(LABELME, shapes=[entry])))
    said = ' '.join(convert_all('labelme', tmp_path))
    assert 'a mask of 4000x3000 in an image of 60x40' in said
