"""The way back to LabelMe, of labels and of predictions."""
import json

import numpy as np
import pytest

from plugin.datasets.labels.polygons import mask_to_rle
from tests.helpers.small_labels import (
    load_tool,
    mask_shape,
    shape,
    square,
    write_image,
    write_labelme,
)


@pytest.fixture(scope='module')
def tool(root):
    return load_tool(root, 'coco_to_labelme')


@pytest.fixture(scope='module')
def there(root):
    return load_tool(root, 'labelme_to_coco')


@pytest.fixture
def data(there, tmp_path):
    """A COCO file in the folder of its images: polygons, parts, holes, a negative."""
    folder = tmp_path / 'Bilder 牛'
    ring = np.ones((8, 9))
    ring[3:5, 3:5] = 0
    write_labelme(folder / 'sub/a 1.json', [
        shape([[3.25, 4.5], [20.125, 5], [18, 30.7], [3.25, 4.5]], 'Kuh'),
        shape(square(30, 2, 6), 'Kuh', 7), shape(square(40, 2, 6), 'Kuh', 7),
        mask_shape(ring, 40, 20, 'Kalb')])
    write_labelme(folder / 'b.json', [])
    assert there.main([str(folder), '--out', str(folder / 'data.json')]) == 0
    return folder / 'data.json'


def run(tool, data, out, *more):
    return tool.main([str(data), '--images', str(data.parent), '--out', str(out), *map(str, more)])


def shapes_of(path):
    return [(entry['label'], entry['points'], entry['shape_type'])
            for entry in json.loads(path.read_text(encoding='utf-8'))['shapes']]


def test_there_and_back(tool, there, data, tmp_path, capsys):
    out = tmp_path / 'labels'
    assert run(tool, data, out) == 0
    assert '2 LabelMe files with 3 animals' in capsys.readouterr().out
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob('*.json')) == [
        'b.json', 'sub/a 1.json']
    document = json.loads((out / 'sub/a 1.json').read_text(encoding='utf-8'))
    assert document['imagePath'] == '../../Bilder 牛/sub/a 1.png'
    assert [entry['group_id'] for entry in document['shapes']] == [None, 2, 2, None]
    assert shapes_of(out / 'sub/a 1.json') == shapes_of(data.parent / 'sub/a 1.json')
    assert shapes_of(out / 'b.json') == []
    again = tmp_path / 'again.json'
    assert there.main([str(out), '--images', str(data.parent), '--out', str(again),
                       '--strict']) == 0
    first, second = (json.loads(path.read_text()) for path in (data, again))
    for content in (first, second):
        names = {image['id']: image['file_name'] for image in content['images']}
        for annotation in content['annotations']:
            annotation['image_id'] = names[annotation['image_id']]
        content['images'] = sorted(names.values())
    assert first == second


def test_older_files_stay(tool, data, tmp_path, capsys):
    corrected = data.parent / 'sub/a 1.json'
    before = corrected.read_bytes()
    (data.parent / 'b.json').unlink()
    assert run(tool, data, data.parent) == 0
    printed = capsys.readouterr().out
    assert '1 LabelMe files with 0 animals' in printed
    assert '1 were there and stay as they are (--overwrite replaces them): a 1.json' in printed
    assert corrected.read_bytes() == before and (data.parent / 'b.json').is_file()
    assert run(tool, data, data.parent, '--overwrite') == 0
    assert json.loads(corrected.read_text())['imagePath'] == 'a 1.png'


def test_a_file_of_something_else_is_not_replaced(tool, data, tmp_path, capsys):
    write_image(data.parent / 'data.png')
    content = json.loads(data.read_text())
    content['images'].append(dict(id=9, file_name='data.png', height=40, width=60))
    data.write_text(json.dumps(content))
    before = data.read_bytes()
    assert run(tool, data, data.parent, '--overwrite') == 1
    assert 'data.json is no LabelMe file, so that it is not replaced' in capsys.readouterr().err
    assert data.read_bytes() == before


@pytest.fixture
def results(data):
    """Predictions as COCO results."""
    content = json.loads(data.read_text())
    ids = {image['file_name']: image['id'] for image in content['images']}
    blob = np.zeros((40, 60))
    blob[5:20, 10:30] = blob[20:24, 12:16] = 1
    ring = blob.copy()
    ring[8:12, 15:20] = 0
    return [dict(image_id=ids['b.png'], category_id=k, score=score, bbox=[0, 0, 1, 1],
                 segmentation=mask_to_rle(mask))
            for k, score, mask in ((1, 0.931, blob), (2, 0.5, ring), (1, 0.2, blob))], blob, ring


@pytest.mark.parametrize('named', [True, False])
def test_predictions(tool, there, data, results, tmp_path, named):
    entries, blob, ring = results
    if named:
        entries = [dict(entry, file_name='b.png', image_id=99) for entry in entries]
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    source.write_text(json.dumps(entries))
    assert tool.main([str(source), '--data', str(data), '--images', str(data.parent), '--out',
                      str(out), '--score-thr', '0.5']) == 0
    shapes = json.loads((out / 'b.json').read_text())['shapes']
    assert [(entry['label'], entry['shape_type'], entry['description']) for entry in shapes] == [
        ('Kalb', 'polygon', 'score 0.93'), ('Kuh', 'mask', 'score 0.50')]
    assert json.loads((out / 'sub/a 1.json').read_text())['shapes'] == []
    again = tmp_path / 'again.json'
    assert there.main([str(out), '--images', str(data.parent), '--out', str(again)]) == 0
    assert [ann['area'] for ann in json.loads(again.read_text())['annotations']] == [
        blob.sum(), ring.sum()]


def test_predictions_of_new_images(tool, data, results, tmp_path, capsys):
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    command = [str(source), '--images', str(data.parent), '--out', str(out)]
    source.write_text(json.dumps([dict(entry, file_name='b.png') for entry in results[0]]))
    assert tool.main([*command, '--labels', 'cow,calf']) == 0
    assert [label for label, _, _ in shapes_of(out / 'b.json')] == ['cow', 'calf', 'cow']
    assert tool.main(command) == 1
    assert 'do not name the classes: give the COCO file' in capsys.readouterr().err
    assert tool.main([*command, '--labels', 'cow']) == 1
    assert 'category 2 in b.png has no name: there are 1 cow' in capsys.readouterr().err
    source.write_text(json.dumps(results[0]))
    assert tool.main([*command, '--labels', 'cow']) == 1
    assert 'have no file_name: give the COCO file' in capsys.readouterr().err


@pytest.mark.parametrize('absolute', [True, False])
def test_predictions_named_by_their_path(tool, data, results, tmp_path, monkeypatch, absolute):
    # as tools/predict.py names them when it is given the folder of the images
    monkeypatch.chdir(data.parent.parent)
    folder = data.parent if absolute else data.parent.relative_to(tmp_path)
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    source.write_text(json.dumps([dict(entry, file_name=(folder / 'b.png').as_posix())
                                  for entry in results[0]]))
    command = [str(source), '--images', data.parent.name, '--out', str(out)]
    assert tool.main([*command, '--labels', 'cow,calf']) == 0
    assert [path.name for path in out.rglob('*.json')] == ['b.json']
    assert tool.main([*command, '--data', str(data), '--overwrite']) == 0
    assert [label for label, _, _ in shapes_of(out / 'b.json')] == ['Kalb', 'Kuh', 'Kalb']


def test_a_prediction_without_a_pixel_is_left_out(tool, data, results, tmp_path, capsys):
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    empty = dict(results[0][0], segmentation=mask_to_rle(np.zeros((40, 60))))
    source.write_text(json.dumps([empty, results[0][1]]))
    assert run(tool, source, out, '--data', data, '--images', data.parent) == 0
    assert '1 predictions cover no pixel and are left out' in capsys.readouterr().out
    assert len(shapes_of(out / 'b.json')) == 1


def test_what_does_not_fit(tool, data, results, tmp_path, capsys):
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    command = ['--images', str(data.parent), '--out', str(out)]

    def error(*arguments):
        assert tool.main([*map(str, arguments), *command]) == 1
        return capsys.readouterr().err

    source.write_text(json.dumps([dict(results[0][0], file_name='other.png')]))
    assert 'has no image other.png, for which there are results' in error(
        source, '--data', data)
    source.write_text(json.dumps([dict(image_id=1, bbox=[1, 2, 3, 4], category_id=1)]))
    assert 'entry 0 of' in error(source, '--data', data)
    source.write_text('{')
    assert 'is no JSON' in error(source)
    assert 'does not exist' in error(tmp_path / 'absent.json')
    content = json.loads(data.read_text())
    for names, words in ((['../b.png', 'c.png'], 'lies outside the folder of images'),
                         (['B.png', 'b.jpg'], 'images B.png and b.jpg would share the file'),
                         (['x.png', 'y.png'], 'has no x.png, y.png: give the folder')):
        for image, name in zip(content['images'], names, strict=True):
            image['file_name'] = name
        source.write_text(json.dumps(content))
        assert words in error(source)
    assert not out.exists()
