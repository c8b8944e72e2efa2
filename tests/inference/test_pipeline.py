"""Many images at once: the same results in the same order, whoever reads and writes them."""
import errno
import os
import signal
from unittest import mock

import cv2
import numpy as np
import pytest
from PIL import Image

from plugin.inference import image_desk, load_model, predict
from plugin.inference.inputs import Input
from plugin.inference.pipeline import Pipeline, Tables
from plugin.inference.pixel_results import PixelResults
from plugin.inference.predicted import Predicted
from plugin.inference.prediction import workers_beside
from tests.helpers.tiny_detector import rows_of


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob('*') if path.is_file()}


@pytest.fixture(scope='module')
def crowd(pixels, tmp_path_factory):
    """Images of two sizes in turns, and what cannot be done among them."""
    folder = tmp_path_factory.mktemp('crowd') / 'in'
    folder.mkdir()
    for number in range(11):
        image = cv2.imdecode(np.fromfile(pixels.images / f'{number % 5}.png', np.uint8),
                             cv2.IMREAD_COLOR)
        image = np.roll(image, number, 1)
        Image.fromarray(image if number % 4 else image[:30]).save(folder / f'{number:02}.png')
    (folder / '03b.png').write_bytes(b'no image')
    (folder / '03c.jpg').touch()
    return folder


@pytest.fixture(scope='module')
def models(pixels, herd):
    return dict(pixels=load_model(pixels.config, pixels.checkpoint, device='cpu'),
                herd=load_model(herd.config, herd.best, device='cpu'))


@pytest.fixture(scope='module')
def expected(models, crowd, tmp_path_factory):
    """The results of one image after the other."""
    out = tmp_path_factory.mktemp('expected')
    return {kind: (predict(model, crowd, out / kind), files(out / kind))
            for kind, model in models.items()}


@pytest.mark.parametrize('kind', ['pixels', 'herd'])
def test_every_number_of_processes_writes_the_same(models, crowd, expected, tmp_path, capfd, kind):
    done = predict(models[kind], crowd, tmp_path / 'out', workers=3)
    one, content = expected[kind]
    assert files(tmp_path / 'out') == content
    assert (done.done, list(done.failed.items())) == (11, list(one.failed.items()))
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith('skipped')]
    assert told == [f'skipped: {crowd}/03b.png is no image', f'skipped: {crowd}/03c.jpg is empty']
    # several at once may have other last bits than one, but the same whoever reads and writes
    for workers in (0, 2):
        predict(models[kind], crowd, tmp_path / f'batch {workers}', workers=workers, batch=3)
    assert files(tmp_path / 'batch 0') == files(tmp_path / 'batch 2')
    assert files(tmp_path / 'batch 0').keys() == content.keys()


def test_images_of_one_size_go_through_the_network_together(models, crowd, tmp_path, monkeypatch):
    asked, ask = [], PixelResults.ask

    def note(self, prepared):
        asked.append([tuple(one['inputs'].shape[1:]) for one in prepared])
        return ask(self, prepared)

    monkeypatch.setattr(PixelResults, 'ask', note)
    predict(models['pixels'], crowd, tmp_path / 'a', workers=2, batch=2)
    small, large = (30, 44), (36, 44)
    # images in their order: 0, 4 and 8 are smaller
    assert asked == [[small], [large] * 2, [large], [small], [large] * 2, [large], [small],
                     [large] * 2]
    first = list(asked)
    asked.clear()
    predict(models['pixels'], crowd, tmp_path / 'b', batch=2)
    assert asked == first


def test_without_overlays_the_rest_is_the_same(models, crowd, expected, tmp_path):
    for kind, model in models.items():
        predict(model, crowd, tmp_path / kind, workers=1, overlays=False)
        assert files(tmp_path / kind) == {name: content for name, content in
                                          expected[kind][1].items()
                                          if not name.startswith('overlays/')}


def test_tiles_and_probabilities_are_the_same(models, herd, pixels, tmp_path):
    for name, model, more in (
            ('tiles', load_model(herd.config, herd.best, device='cpu', tile=40, overlap=8), {}),
            ('probabilities', models['pixels'], dict(probabilities=True))):
        images = [pixels.images / f'{number}.png' for number in range(3)]
        predict(model, images, tmp_path / name / 'one', **more)
        predict(model, images, tmp_path / name / 'many', workers=2, **more)
        assert files(tmp_path / name / 'one') == files(tmp_path / name / 'many')


def test_large_images_wait_until_they_are_alone(models, crowd, expected, tmp_path, monkeypatch):
    alone = []
    answer = PixelResults.answer

    def note(self, image):
        alone.append(image.shape[:2])
        return answer(self, image)

    monkeypatch.setattr(PixelResults, 'answer', note)
    monkeypatch.setattr(image_desk, 'SMALL', 31 * 44)
    monkeypatch.setattr(image_desk, 'free_memory', lambda: 36 * 44 * image_desk.BYTES)
    predict(models['pixels'], crowd, tmp_path / 'out', workers=2)
    assert alone == [(36, 44)] * 8
    assert files(tmp_path / 'out') == expected['pixels'][1]


def test_a_network_short_of_memory_costs_one_image(models, crowd, expected, tmp_path, monkeypatch):
    ask, answer, asked = PixelResults.ask, PixelResults.answer, []

    def short(self, prepared):
        asked.append(len(prepared))
        if len(asked) == 2:
            raise MemoryError
        return ask(self, prepared)

    monkeypatch.setattr(PixelResults, 'ask', short)
    predict(models['pixels'], crowd, tmp_path / 'a', workers=2, batch=2)
    assert asked[1] == 2 and files(tmp_path / 'a') == expected['pixels'][1]

    def never(self, image):
        raise MemoryError

    asked.clear()
    monkeypatch.setattr(PixelResults, 'answer', never)
    done = predict(models['pixels'], crowd, tmp_path / 'b', workers=2)
    assert [path.name for path in done.failed] == ['01.png', '03b.png', '03c.jpg']
    assert done.failed[crowd / '01.png'].endswith('01.png needs more memory than there is: give '
                                                  '--tile 1024 or less, or make the image smaller')
    assert done.done == 10 and answer is not never


@pytest.mark.parametrize(('error', 'match'), [
    (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'x.png'), 'No space left on device'),
    (RuntimeError('a bug'), 'a bug')])
def test_what_is_no_fault_of_the_image_ends_the_work(models, crowd, tmp_path, monkeypatch, error,
                                                     match):
    write = PixelResults.write

    def fail(self, item, image, answer):
        if item.name == '05':
            raise error
        return write(self, item, image, answer)

    monkeypatch.setattr(PixelResults, 'write', fail)
    with pytest.raises(type(error), match=match) as told:
        predict(models['pixels'], crowd, tmp_path / 'out', workers=2)
    assert getattr(told.value, 'errno', None) == getattr(error, 'errno', None)
    listed = {row['picture'] for row in rows_of(tmp_path / 'out/areas.csv')}
    # in their order: what is listed has its files, and nothing behind the error is listed
    assert {name[-6:-4] for name in listed} <= {'00', '01', '02', '03', '04'}
    assert not list(tmp_path.rglob('.*.png'))


def test_a_killed_process_is_told(models, crowd, tmp_path, monkeypatch):
    def die(self, item, image, answer):
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(PixelResults, 'write', die)
    with pytest.raises(OSError, match='was killed, perhaps for lack of memory: give fewer by '
                                      '--workers'):
        predict(models['pixels'], crowd, tmp_path / 'out', workers=2)


def test_workers_where_the_user_does_not_say():
    with mock.patch('plugin.inference.prediction.usual_workers', return_value=5):
        assert [workers_beside('cuda:1', images) for images in (7, 16, 1000)] == [0, 2, 5]
        assert workers_beside('cpu', 1000) == 0


def test_what_waits_is_bounded(tmp_path):
    """The number of images that were read and not written never exceeds the limit."""
    class Counted:
        model = verb = None
        held = most = 0

        def read(self, number, item):
            self.held += 1
            self.most = max(self.most, self.held)
            self.replies.append((number, image_desk.Ready(np.zeros(1))))

        def write(self, number, answer):
            self.held -= 1
            self.replies.append((number, image_desk.Written(number)))

        def reply(self):
            return self.replies.pop()  # the last one first

        def ask(self, prepared):
            return [None] * len(prepared)

    crew, rows = Counted(), []
    crew.crowd, crew.replies = 6, []
    items = (Input(tmp_path / str(number), str(number)) for number in range(500))
    done = Predicted(tmp_path, 'done')
    tables = Tables(lambda item, row: rows.append((item.name, row)), done, lambda item: None)
    Pipeline(crew, crew, tables, 1).run(items)
    assert rows == [(str(number), number) for number in range(500)]
    assert (crew.most, done.done) == (6, 500)
