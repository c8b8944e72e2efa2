"""What is written about instances that are known."""
import errno
import json
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from plugin.datasets.labels.polygons import to_mask
from plugin.evaluation import CountIntervals
from plugin.inference import writers
from plugin.inference.coco_ids import CocoIds
from plugin.inference.inputs import Input
from plugin.inference.instance_results import InstanceResults
from plugin.inference.instances import Instances
from plugin.inference.prediction import predict_all
from plugin.inference.tables import Table
from plugin.inference.writers import ImageError, OverlayVideo, save_array, save_image
from plugin.models.postprocess import Detection
from plugin.utils.errors import is_full_disk
from plugin.visualization import draw_instances
from tests.helpers.tiny_detector import rows_of


class Uncalibrated:
    """A detector of which no validation is known."""

    score_thr = 0.5

    def count_intervals(self, threshold=None):
        return CountIntervals.none('nothing was validated')


def ring(label, score):
    mask = np.zeros((20, 30), bool)
    mask[4:14, 5:20] = True
    mask[7:10, 8:12] = False
    return Detection.from_mask(label, score, mask)


def two_parts(label, score):
    mask = np.zeros((20, 30), bool)
    mask[15:18, 2:6] = mask[15:18, 20:28] = True
    return Detection.from_mask(label, score, mask)


def write(folder, answers, classes=('cow', 'calf'), data=None, shape=(20, 30),
          simplify=1.0):
    """Let a model that gives these answers predict three images."""
    answers = iter(answers)

    class Fake(Uncalibrated):
        read = None

        def __call__(self, image):
            answer = next(answers)
            if isinstance(answer, BaseException):
                raise answer
            return Instances(answer, classes, *shape)

    model = Fake()
    model.classes = list(classes)
    inputs = [Input(folder / f'{name}.png', name) for name in 'abc']
    ids = CocoIds.of_file(data, [item.path for item in inputs], classes) if data else None
    with InstanceResults(model, folder / 'out', images=inputs, image_format='png',
                         simplify=simplify, ids=ids).images() as add:
        for item in inputs:
            add(item, np.zeros((*shape, 3), np.uint8))


def test_holes_parts_and_images_without_animals(tmp_path):
    write(tmp_path, [[ring(1, 0.9), two_parts(0, 0.8)], [], [two_parts(1, 0.7)]])
    out = tmp_path / 'out'
    masks = [animal.whole_mask(20, 30) for animal in (ring(1, 0.9), two_parts(0, 0.8))]
    assert [(row['count'], row['cow'], row['calf']) for row in rows_of(out / 'counts.csv')] == [
        ('2', '1', '1'), ('0', '0', '0'), ('1', '0', '1')]
    animals = rows_of(out / 'animals.csv')
    assert [list(row.values())[1:] for row in animals] == [
        ['1', 'calf', '0.9000', '138', '5', '4', '15', '10'],
        ['2', 'cow', '0.8000', '36', '2', '15', '26', '3'],
        ['1', 'calf', '0.7000', '36', '2', '15', '26', '3']]
    shapes = json.loads((out / 'labelme/a.json').read_text('utf-8'))['shapes']
    assert [(shape['label'], shape['shape_type'], shape['group_id']) for shape in shapes] == [
        ('calf', 'mask', None), ('cow', 'polygon', 2), ('cow', 'polygon', 2)]
    empty = json.loads((out / 'labelme/b.json').read_text('utf-8'))
    assert (empty['shapes'], empty['imagePath'], empty['imageHeight']) == ([], '../../b.png', 20)
    # without animals the overlay is the image
    assert not np.asarray(Image.open(out / 'overlays/b.png')).any()
    # numbers and scores are those of the table
    expected = draw_instances(np.zeros((20, 30, 3), np.uint8), masks, [1, 2], [0.9, 0.8], 0.5)
    assert (np.asarray(Image.open(out / 'overlays/a.png')) == expected).all()


@pytest.mark.parametrize(('simplify', 'points', 'agreement'), [(0, 150, 1.0), (1, 25, 0.95)])
def test_outlines_for_correction_have_few_points(tmp_path, simplify, points, agreement):
    mask = cv2.circle(np.zeros((90, 120), np.uint8), (60, 45), 40, 1, -1) > 0
    mask[2:4, 3:119] = mask[80, 3] = True
    write(tmp_path, [[Detection.from_mask(0, 0.9, mask)], [], []], shape=mask.shape,
          simplify=simplify)
    shapes = json.loads((tmp_path / 'out/labelme/a.json').read_text('utf-8'))['shapes']
    filled = to_mask([np.ravel(shape['points']).tolist() for shape in shapes], *mask.shape) > 0
    assert len(shapes) == 3
    assert {shape['group_id'] for shape in shapes} == {1}
    assert points / 2 < max(len(shape['points']) for shape in shapes) < points * 2
    assert (filled & mask).sum() >= agreement * (filled | mask).sum()
    # small and thin parts keep every pixel
    assert (filled[:, :10] == mask[:, :10]).all() and (filled[:4] == mask[:4]).all()


def test_one_class_has_one_count_and_nothing_found_is_an_empty_list(tmp_path):
    write(tmp_path, [[], [], []], classes=['cow'])
    assert list(rows_of(tmp_path / 'out/counts.csv')[0]) == [
        'picture', 'count', 'count_low', 'count_high']
    assert json.loads((tmp_path / 'out/results.json').read_text()) == []
    assert rows_of(tmp_path / 'out/animals.csv') == []


@pytest.mark.parametrize('end', [KeyboardInterrupt(), RuntimeError('a bug'), MemoryError()])
def test_results_are_kept_whatever_ends_the_work(tmp_path, end):
    animals = [ring(0, 0.9), two_parts(1, 0.8)]
    with pytest.raises(type(end)):
        write(tmp_path, [animals, end])
    out = tmp_path / 'out'
    assert len(json.loads((out / 'results.json').read_text())) == 2
    assert [row['count'] for row in rows_of(out / 'counts.csv')] == ['2']
    assert len(rows_of(out / 'animals.csv')) == 2
    assert not list(out.rglob('.*'))


def test_tables_agree_when_one_of_them_cannot_be_written(tmp_path, monkeypatch):
    animals = [ring(0, 0.9), two_parts(1, 0.8)]
    of_table = Table.write

    def full(self, rows):
        rows = list(rows)
        if self.path.name == 'counts.csv' and rows[0][1] == 1:
            raise OSError(errno.ENOSPC, 'No space left on device')
        of_table(self, rows)

    monkeypatch.setattr(Table, 'write', full)
    with pytest.raises(OSError, match='No space left'):
        write(tmp_path, [animals, [ring(1, 0.7)]])
    out = tmp_path / 'out'
    assert {Path(entry['file_name']).name for entry in
            json.loads((out / 'results.json').read_text())} == {'a.png'}
    assert [row['count'] for row in rows_of(out / 'counts.csv')] == ['2']
    assert len(rows_of(out / 'animals.csv')) == 2


def test_an_image_that_cannot_be_done_costs_no_other(tmp_path, capsys):
    class Fake(Uncalibrated):
        classes = ['cow', 'calf']
        answers = iter([[ring(0, 0.9)], cv2.error('no such colour'), [ring(1, 0.8)], None])

        def read(self, path):
            return np.zeros((20, 30, 3), np.uint8)

        def __call__(self, image):
            answer = next(self.answers)
            if isinstance(answer, Exception):
                raise answer
            if answer is None:  # as a pipeline does with a strip
                cv2.resize(image, (0, 60))
            return Instances(answer, self.classes, 20, 30)

    inputs = [Input(tmp_path / f'{name}.png', name) for name in 'abcd']
    results = InstanceResults(Fake(), tmp_path / 'out', images=inputs, image_format='png')
    done = predict_all(results, inputs, tmp_path / 'out')
    assert (done.done, list(done.failed)) == (2, [tmp_path / 'b.png', tmp_path / 'd.png'])
    told = capsys.readouterr().err
    assert (f'skipped: {tmp_path}/b.png: OpenCV cannot read or prepare it: no such colour'
            in told)
    assert (f'skipped: {tmp_path}/d.png: nothing is left of its short side when it is brought to '
            'the size that the config sets: cut the image, or pad its short side\n') in told
    assert [row['count'] for row in rows_of(tmp_path / 'out/counts.csv')] == ['1', '1']
    # no JPEG is so wide
    with pytest.raises(ImageError, match='65501x1 pixels: give --format png'):
        save_image(tmp_path / 'wide.jpg', np.zeros((1, 65501, 3), np.uint8))


def test_a_video_that_the_disk_cut_short_is_told(tmp_path, monkeypatch):
    class Short:
        def __init__(self, path, *more):
            self.path = path

        def isOpened(self):
            return True

        def write(self, image):
            Path(self.path).write_bytes(b'some of it')

        def release(self):
            pass

        fourcc = cv2.VideoWriter.fourcc

    monkeypatch.setattr(cv2, 'VideoWriter', Short)
    with pytest.raises(OSError, match='film.mp4') as told, \
            OverlayVideo(tmp_path / 'film.mp4', 5) as video:
        video.add(np.zeros((8, 8, 3), np.uint8))
    assert told.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_probabilities_that_do_not_fit_tell_why(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, 'atomic_path', lambda path: nullcontext(Path('/dev/full')))
    with pytest.raises(OSError) as told:
        save_array(tmp_path / 'x.npy', np.zeros(10_000))
    assert is_full_disk(told.value)


# --- the ids of a COCO file -----------------------------------------------------------------------

def write_data(path, names, categories):
    path.write_text(json.dumps(dict(
        images=[dict(id=10 * number, file_name=name, height=20, width=30)
                for number, name in enumerate(names, start=1)],
        categories=[dict(id=number, name=name) for name, number in categories.items()],
        annotations=[])), encoding='utf-8')
    return path


def test_ids_are_those_of_the_file(tmp_path):
    data = write_data(tmp_path / 'data.json', ['b.png', 'x/b.png', '牛 c.png'],
                      dict(horse=1, calf=7, cow=3))
    paths = [Path('any/x/b.png'), tmp_path / 'y/../y/b.png', tmp_path / '牛 c.png']
    ids = CocoIds.of_file(data, paths, ['cow', 'calf'])
    # the longest name counts: x/b.png is not b.png
    assert ids.images == {paths[0]: (20, 'x/b.png'), paths[1]: (10, 'b.png'),
                          paths[2]: (30, '牛 c.png')}
    assert ids.categories == [3, 7]


def test_results_carry_the_ids_of_the_file(tmp_path):
    data = write_data(tmp_path / 'data.json', ['c.png', 'b.png', 'a.png'], dict(calf=7, cow=3))
    write(tmp_path, [[ring(1, 0.9)], [], [two_parts(0, 0.7)]], data=data)
    entries = json.loads((tmp_path / 'out/results.json').read_text())
    assert [(entry['image_id'], entry['category_id'], entry['file_name']) for entry in entries] == [
        (30, 7, 'a.png'), (10, 3, 'c.png')]


def test_what_a_file_does_not_know_is_named(tmp_path):
    data = write_data(tmp_path / 'data.json', ['a.png'], dict(cow=1))
    with pytest.raises(ValueError, match='has no image z.png; predict only the images of'):
        CocoIds.of_file(data, [Path('a.png'), Path('z.png')], ['cow'])
    with pytest.raises(ValueError, match='has no category sheep: it has cow; give the file of'):
        CocoIds.of_file(data, [Path('a.png')], ['cow', 'sheep'])
    with pytest.raises(ValueError, match='several inputs are a.png of .*; predict one of them'):
        CocoIds.of_file(data, [Path('x/a.png'), Path('y/a.png')], ['cow'])
