"""COCO files of strangers: read, or refused by their names and in one sentence."""
import copy
import json

import pytest

from benchmarks.fuzz_coco import attempt
from plugin.datasets.doctor import examine_path
from plugin.datasets.labels import to_labelme
from plugin.datasets.labels.coco_file import read_coco
from plugin.datasets.labels.coco_remarks import bare_classes
from plugin.datasets.splits import split
from plugin.evaluation.coco_results import read_truth
from plugin.utils import UserError
from plugin.utils.errors import sentence
from tests.helpers.small_coco import content, write_set

DEEP = '[' * 900 + ']' * 900
# as JSON texts: Python writes none of them
ODD = ['1e999', '-1e999', 'NaN', '1' + '0' * 400, '1' + '0' * 5000, 'null', 'true', '[]', '{}',
       '"x"', '[1, [2]]', '""', '-5', '0.5', '"\\u001b[2J"', '"\\u0000"', f'"{"a" * 300}"',
       f'"{"a/" * 3000}b"', '"\\ud800"', DEEP, '{"counts": "o", "size": [45, 60]}',
       '{"counts": [1e999], "size": [45, 60]}', '{"counts": [5], "size": 3}', '[["a"]]',
       '[[1e300]]', '[[0, 0, 1e300, 0, 5, 5]]', '[[0, 0, NaN, 0, 5, 5]]', '[["0", 0, 9, 0, 5, 5]]',
       '[5]', '[{"a": 1}]', '[null, null, null, null, null, null]',
       '[[0, 0, 9, 0, 5, ' + '9' * 400 + ']]']
PLACES = [(part, key) for part in ('images', 'annotations', 'categories')
          for key in content()[part][0]] + [(part, None) for part in content()]


def with_value(part, key, text):
    """The COCO file with a value of its first entry, or a whole part, replaced by a JSON text."""
    changed = copy.deepcopy(content())
    if key is None:
        changed[part] = '@'
    else:
        changed[part][0][key] = '@'
    return json.dumps(changed).replace('"@"', text)


def try_all(path, images, out):
    """Read a file in all ways; gives the sentences of those that refuse it."""
    readers = [
        lambda: read_coco(str(path)), lambda: read_truth(str(path)),
        lambda: split(path, val=0.4, duplicates='ignore', out_dir=out / 'split', overwrite=True),
        lambda: to_labelme(path, out / 'labelme', images=images, overwrite=True)]
    said = []
    for read in readers:
        try:
            read()
        except (OSError, UserError) as error:
            said.append(sentence(error))
    return said


@pytest.mark.parametrize('part, key', PLACES)
def test_odd_values_are_refused_by_name(part, key, tmp_path):
    root = write_set(tmp_path)
    path = root / 'odd.json'
    for number, text in enumerate(ODD):
        path.write_text(with_value(part, key, text))
        for said in try_all(path, root / 'images', root / f'out{number}'):
            assert said.isprintable() and len(said) < 2500, (text, said)
            assert 'odd.json' in said or '.jpg' in said or 'images' in said, (text, said)
            assert 'Traceback' not in said


@pytest.mark.parametrize('key', ['id', 'name', 'supercategory'])
def test_the_doctor_reports_odd_categories(key, tmp_path):
    root = write_set(tmp_path)
    path = root / 'odd.json'

    def look():
        for one in examine_path(path, root / 'images').findings:
            if one.severity == 'error':
                raise UserError(one.message)

    for text in ODD:
        path.write_text(with_value('categories', key, text))
        assert bool(attempt(look)) == bool(attempt(lambda: read_coco(str(path)))), text


@pytest.mark.parametrize('name', [{'a': 1}, ['cow'], None, 5])
def test_an_odd_name_of_a_category_without_annotation_groups_nothing(name):
    entries = [dict(id=1, name=name), dict(id=2, name='cow', supercategory='beasts'),
               dict(id=3, name='beasts')]
    content = dict(images=[], annotations=[dict(id=1, category_id=2)], categories=entries)
    assert bare_classes(content) == (['beasts'], (str(name), 'cow'))


@pytest.mark.parametrize('part, key, text, words', [
    ('images', 'width', '1e999', "has the width inf and the height 45: write its size in pixels"),
    ('images', 'height', '1' + '0' * 400, 'write its size in pixels'),
    ('images', 'file_name', f'"{"a" * 300}.jpg"', 'which is longer than a file system takes'),
    ('images', 'file_name', '"a\\u0000.jpg"', 'which holds the character NUL'),
    ('images', 'file_name', '5', r'images\[0\] of .* has the file_name 5, which is no name of a'),
    ('images', 'id', '[1]', r'images\[0\] of .* has the id \[1\]: give it a number'),
    ('images', 'id', '"x"', r"image one cow.jpg of .* has the id 'x', which is no whole number"),
    ('images', 'id', '1.5', 'has the id 1.5, which is no whole number: `pasture convert coco'),
    ('annotations', 'image_id', '{"a": 1}', r"has the image_id {'a': 1}: give it a number"),
    ('annotations', 'area', 'NaN', 'and the area nan: write'),
    ('annotations', 'bbox', '[1, 2, 3, 1e999]', r'has the bbox \[1, 2, 3, inf\]'),
    ('annotations', 'segmentation', '[["a", 1, 2, 3, 4, 5]]',
     r'of which no outline can be made \(part 1 is no list of numbers\): draw the outline'),
    ('annotations', 'segmentation', '[]', 'has an empty segmentation: draw the outline or remove'),
    ('annotations', 'segmentation', '[[1e300, 1, 2, 3, 4, 5]]', 'no place near its image'),
    ('annotations', 'segmentation', '[[1, NaN, 2, 3, 4, 5]]', 'no place near its image'),
    ('annotations', 'segmentation', '{"size": [45, 60], "counts": "PPo"}', 'has run lengths of'),
    ('categories', 'name', '["cow"]', r"categories\[0\] of .* has the name \['cow'\]: give a text"),
    ('categories', 'name', f'"{"k" * 500}"', 'give a text of 1 to 200 letters'),
    ('images', 'date', DEEP.replace('[', '[' * 200).replace(']', ']' * 200), 'is no JSON'),
])
def test_what_is_said(part, key, text, words, tmp_path):
    path = tmp_path / 'odd.json'
    path.write_text(with_value(part, key, text))
    with pytest.raises(UserError, match=words) as caught:
        read_coco(str(path))
    assert 'odd.json' in str(caught.value)


@pytest.mark.parametrize('key, text', [
    ('score', '"high"'), ('score', 'null'), ('category_id', '[1]'), ('file_name', '5'),
    ('file_name', f'"{"a" * 300}"'), ('file_name', '"a\\u0000"'), ('image_id', '[1]'),
    ('segmentation', '5'), ('segmentation', '[[1, 2, "a", 4, 5, 6]]'), ('segmentation', '[5]'),
    ('segmentation', '[[1, 2, 1e999, 4, 5, 6]]'), ('segmentation', '{"size": 5, "counts": 5}')])
def test_odd_results_are_refused_by_name(key, text, tmp_path):
    root = write_set(tmp_path)
    entry = dict(image_id=1, file_name='one cow.jpg', category_id=1, score=0.5,
                 segmentation=[[5, 5, 45, 5, 45, 35]])
    path = root / 'odd.json'
    path.write_text(json.dumps([{**entry, key: '@'}]).replace('"@"', text))
    with pytest.raises((OSError, UserError), match='odd.json|one cow.jpg'):
        to_labelme(path, root / 'out', images=root / 'images', labels=['cow'])
