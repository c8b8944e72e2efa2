"""The way back to LabelMe, of labels and of predictions."""
import json

import numpy as np
import pytest

from plugin.datasets.labels import convert, to_labelme
from plugin.datasets.labels.polygons import mask_to_rle
from plugin.utils import UserError
from tests.helpers.small_labels import mask_shape, shape, square, write_image, write_labelme


@pytest.fixture
def data(tmp_path):
    """A COCO file in the folder of its images: polygons, parts, holes, a negative."""
    folder = tmp_path / 'Bilder 牛'
    ring = np.ones((8, 9))
    ring[3:5, 3:5] = 0
    write_labelme(folder / 'sub/a 1.json', [
        shape([[3.25, 4.5], [20.125, 5], [18, 30.7], [3.25, 4.5]], 'Kuh'),
        shape(square(30, 2, 6), 'Kuh', 7), shape(square(40, 2, 6), 'Kuh', 7),
        mask_shape(ring, 40, 20, 'Kalb')])
    write_labelme(folder / 'b.json', [])
    convert('labelme', folder, folder / 'data.json')
    return folder / 'data.json'


def shapes_of(path):
    return [(entry['label'], entry['points'], entry['shape_type'])
            for entry in json.loads(path.read_text(encoding='utf-8'))['shapes']]


def test_there_and_back(data, tmp_path):
    out = tmp_path / 'labels'
    done = to_labelme(data, out, images=data.parent)
    assert (len(done.written), done.instances, done.kept, done.blank) == (2, 3, [], 0)
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob('*.json')) == [
        'b.json', 'sub/a 1.json']
    document = json.loads((out / 'sub/a 1.json').read_text(encoding='utf-8'))
    assert document['imagePath'] == '../../Bilder 牛/sub/a 1.png'
    assert [entry['group_id'] for entry in document['shapes']] == [None, 2, 2, None]
    assert shapes_of(out / 'sub/a 1.json') == shapes_of(data.parent / 'sub/a 1.json')
    assert shapes_of(out / 'b.json') == []
    again = tmp_path / 'again.json'
    convert('labelme', out, again, images=data.parent, strict=True)
    first, second = (json.loads(path.read_text()) for path in (data, again))
    for content in (first, second):
        names = {image['id']: image['file_name'] for image in content['images']}
        for annotation in content['annotations']:
            annotation['image_id'] = names[annotation['image_id']]
        content['images'] = sorted(names.values())
    assert first == second


def test_older_files_stay(data):
    corrected = data.parent / 'sub/a 1.json'
    before = corrected.read_bytes()
    (data.parent / 'b.json').unlink()
    done = to_labelme(data, data.parent, images=data.parent)
    assert (len(done.written), done.instances, done.kept) == (1, 0, [corrected])
    assert corrected.read_bytes() == before and (data.parent / 'b.json').is_file()
    to_labelme(data, data.parent, images=data.parent, overwrite=True)
    assert json.loads(corrected.read_text())['imagePath'] == 'a 1.png'


def test_a_file_of_something_else_is_not_replaced(data):
    write_image(data.parent / 'data.png')
    content = json.loads(data.read_text())
    content['images'].append(dict(id=9, file_name='data.png', height=40, width=60))
    data.write_text(json.dumps(content))
    before = data.read_bytes()
    with pytest.raises(FileExistsError, match='data.json is no LabelMe file, so that it is not '
                       'replaced'):
        to_labelme(data, data.parent, images=data.parent, overwrite=True)
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
def test_predictions(data, results, tmp_path, named):
    entries, blob, ring = results
    if named:
        entries = [dict(entry, file_name='b.png', image_id=99) for entry in entries]
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    source.write_text(json.dumps(entries))
    to_labelme(source, out, images=data.parent, data=data, score_thr=0.5)
    shapes = json.loads((out / 'b.json').read_text())['shapes']
    assert [(entry['label'], entry['shape_type'], entry['description']) for entry in shapes] == [
        ('Kalb', 'polygon', 'score 0.93'), ('Kuh', 'mask', 'score 0.50')]
    assert json.loads((out / 'sub/a 1.json').read_text())['shapes'] == []
    again = tmp_path / 'again.json'
    convert('labelme', out, again, images=data.parent)
    assert [ann['area'] for ann in json.loads(again.read_text())['annotations']] == [
        blob.sum(), ring.sum()]


def test_predictions_of_new_images(data, results, tmp_path):
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    source.write_text(json.dumps([dict(entry, file_name='b.png') for entry in results[0]]))
    to_labelme(source, out, images=data.parent, labels=['cow', 'calf'])
    assert [label for label, _, _ in shapes_of(out / 'b.json')] == ['cow', 'calf', 'cow']
    with pytest.raises(UserError, match='do not name the classes: give the COCO file'):
        to_labelme(source, out, images=data.parent)
    with pytest.raises(UserError, match='category 2 in b.png has no name: there are 1 cow'):
        to_labelme(source, out, images=data.parent, labels=['cow'])
    source.write_text(json.dumps(results[0]))
    with pytest.raises(UserError, match='have no file_name: give the COCO file'):
        to_labelme(source, out, images=data.parent, labels=['cow'])


@pytest.mark.parametrize('absolute', [True, False])
def test_predictions_named_by_their_path(data, results, tmp_path, monkeypatch, absolute):
    # as tools/predict.py names them when it is given the folder of the images
    monkeypatch.chdir(data.parent.parent)
    folder = data.parent if absolute else data.parent.relative_to(tmp_path)
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    source.write_text(json.dumps([dict(entry, file_name=(folder / 'b.png').as_posix())
                                  for entry in results[0]]))
    to_labelme(source, out, images=data.parent.name, labels=['cow', 'calf'])
    assert [path.name for path in out.rglob('*.json')] == ['b.json']
    to_labelme(source, out, images=data.parent.name, data=data, overwrite=True)
    assert [label for label, _, _ in shapes_of(out / 'b.json')] == ['Kalb', 'Kuh', 'Kalb']


def test_a_prediction_without_a_pixel_is_left_out(data, results, tmp_path):
    source, out = tmp_path / 'results.json', tmp_path / 'out'
    empty = dict(results[0][0], segmentation=mask_to_rle(np.zeros((40, 60))))
    source.write_text(json.dumps([empty, results[0][1]]))
    assert to_labelme(source, out, data=data, images=data.parent).blank == 1
    assert len(shapes_of(out / 'b.json')) == 1


def test_what_does_not_fit(data, results, tmp_path):
    source, out = tmp_path / 'results.json', tmp_path / 'out'

    def error(source, **options):
        with pytest.raises((OSError, UserError)) as error:
            to_labelme(source, out, images=data.parent, **options)
        return str(error.value)

    source.write_text(json.dumps([dict(results[0][0], file_name='other.png')]))
    assert 'has no image other.png, for which there are results' in error(source, data=data)
    source.write_text(json.dumps([dict(image_id=1, bbox=[1, 2, 3, 4], category_id=1)]))
    assert 'entry 0 of' in error(source, data=data)
    source.write_text('{')
    assert 'is no JSON' in error(source)
    assert 'does not exist' in error(tmp_path / 'absent.json')
    content = json.loads(data.read_text())
    for names, words in ((['../b.png', 'c.png'], 'has no ../b.png, c.png: give the folder'),
                         (['B.png', 'b.jpg'], 'images B.png and b.jpg would share the file'),
                         (['x.png', 'y.png'], 'has no x.png, y.png: give the folder')):
        for image, name in zip(content['images'], names, strict=True):
            image['file_name'] = name
        source.write_text(json.dumps(content))
        assert words in error(source)
    assert not out.exists()
