"""What the page answers: results, files, and what goes wrong."""
import json
import threading
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from plugin.demo import desk as desk_file
from plugin.demo import events
from plugin.demo.archives import Refusal
from plugin.demo.events import Events, escape, status_of
from plugin.demo.instances import InstanceDesk
from plugin.demo.pixels import PixelDesk
from plugin.demo.uploads import Refused
from plugin.evaluation import CountIntervals
from plugin.inference import export, headers, load_model
from plugin.inference.inputs import Input
from plugin.inference.instance_results import InstanceResults
from tests.helpers import hostile_uploads as hostile
from tests.helpers.demo_models import (
    FakeDetector,
    FakeSegmenter,
    make_desk,
    predict,
    write_images,
    write_segmentor,
)
from tests.helpers.tiny_detector import rows_of


@pytest.fixture
def images(tmp_path):
    return write_images(tmp_path)


# --- results --------------------------------------------------------------------------------------

def test_the_threshold_moves_without_the_network(images, tmp_path):
    detector = FakeDetector()
    desk = make_desk(tmp_path, InstanceDesk(detector, 0.5))
    assert (desk.model.start, desk.model.least) == (0.65, 0.2)
    assert desk.model.slider_note.endswith('It begins at 0.65: it counted best.')
    done = predict(desk, images)
    assert detector.asked == [44, 45, 46]
    counts = {}
    for threshold in (0.2, 0.3, 0.31, 0.65, 0.66, 1):
        shown = desk.show(done.token, 2, 'Animals', threshold)
        assert len(shown.rows) == shown.totals[1][1] == sum(shown.totals[1][2:])
        counts[threshold] = len(shown.rows), shown.headline, shown.summary
    assert counts == {
        0.2: (3, '3 animals (2 cow, 1 calf)', '9 animals in all 3 images'),
        0.3: (3, '3 animals (2 cow, 1 calf)', '9 animals in all 3 images'),
        0.31: (2, '2 animals (1 cow, 1 calf)', '6 animals in all 3 images'),
        0.65: (2, '2 animals (1 cow, 1 calf)', '6 animals in all 3 images'),
        0.66: (1, '1 animal (1 cow, 0 calf)', '3 animals in all 3 images'),
        1: (0, '0 animals (0 cow, 0 calf)', '0 animals in all 3 images')}
    assert shown.name == '<b>$&{x}.png'
    assert detector.asked == [44, 45, 46]
    assert (shown.image == detector.read(images[1])[..., ::-1]).all()
    rows = desk.show(done.token, 1, 'Animals', 0.5).rows
    assert rows == [[1, 'cow', 0.9, 59, 3.72], [2, 'calf', 0.65, 59, 3.72]]


def test_intervals_follow_the_threshold(images, tmp_path):
    detector = FakeDetector()
    # one animal was missed in each of 20 images
    detector.intervals = CountIntervals([3] * 20, [4] * 20)
    desk = make_desk(tmp_path, InstanceDesk(detector, 0.5))
    done = predict(desk, images)
    shown = desk.show(done.token, 2, 'Animals', 0.5)
    assert desk.model.total_columns == ('image', 'count', 'cow', 'calf', 'count_low', 'count_high')
    # half an animal in 2, of 2 found by 3 ** 0.5 in place of 4 ** 0.5
    assert shown.headline == '2 animals (1 cow, 1 calf), with 90% probability 2 to 2'
    assert shown.totals[0][-2:] == [2, 2]
    assert shown.summary.startswith('6 animals in all 3 images, with 90% probability ')
    assert shown.reliability == ('On the 20 validation images: off by 1.00 animals an image; '
                                 'always saying 4: 0.00, no skill is defined.')
    one = predict(desk, images[:1])
    assert desk.show(one.token, 1, 'Animals', 0.5).summary == 'With 90% probability 2 to 2'
    counts = desk.files(one.token, 0.5)[1]
    assert [(row['count_low'], row['count_high']) for row in rows_of(counts)] == [('2', '2')]


def test_the_error_of_the_validation_stands_beside_its_baseline(images, tmp_path):
    detector = FakeDetector()
    assert make_desk(tmp_path / 'a', InstanceDesk(detector, 0.5)).model.reliability(0.5) == ''
    # too few for an interval, and enough for an error
    detector.intervals = CountIntervals([1, 1, 2, 2, 4], [1, 1, 1, 2, 4])
    desk = make_desk(tmp_path / 'b', InstanceDesk(detector, 0.5))
    done = predict(desk, images)
    shown = desk.show(done.token, 1, 'Animals', 0.5)
    told = ('On the 5 validation images: off by 0.20 animals an image; always saying 1: 0.80, '
            'skill +0.75.')
    assert shown.reliability == told
    assert f'<div>{told}</div></div>' in events._headline(shown)
    assert events._headline(shown._replace(reliability='', summary='')).count('<div') == 2


def test_the_files_are_those_of_predict(images, tmp_path):
    desk = make_desk(tmp_path)
    done = predict(desk, images)
    desk.files(done.token, 0.2)
    archive, counts, animals = desk.files(done.token, 0.5)
    assert [row['picture'] for row in rows_of(counts)] == [
        '0001 a.png', '0002 <b>$&{x}.png', '0003 =c ä.png']
    assert [row['count'] for row in rows_of(counts)] == ['2'] * 3
    out = tmp_path / 'unpacked'
    zipfile.ZipFile(archive).extractall(out)
    # the same model behind the writer of tools/predict.py
    items = [Input(out / f'pictures/000{n}.png', f'000{n}') for n in (1, 2, 3)]
    detector = FakeDetector()
    detector.score_thr = 0.5
    with InstanceResults(detector, tmp_path / 'predicted', images=items).images() as add:
        for item in items:
            add(item, detector.read(item.path))
    for number in (1, 2, 3):
        mine, theirs = (json.loads((folder / f'labelme/000{number}.json').read_text('utf-8'))
                        for folder in (out, tmp_path / 'predicted'))
        assert mine.pop('imagePath') == f'../pictures/000{number}.png'
        theirs.pop('imagePath')
        assert mine == theirs
        overlay = f'overlays/000{number}.jpg'
        assert (out / overlay).read_bytes() == (tmp_path / 'predicted' / overlay).read_bytes()
    results = json.loads((out / 'results.json').read_text('utf-8'))
    expected = json.loads((tmp_path / 'predicted/results.json').read_text('utf-8'))
    assert [entry.pop('file_name') for entry in results] == [
        f'pictures/000{n}.png' for n in (1, 1, 2, 2, 3, 3)]
    for entry in expected:
        entry.pop('file_name')
    assert results == expected
    assert len(rows_of(animals)) == 6
    assert (out / 'about.txt').read_text('utf-8') == 'about\nthreshold 0.5\n'
    assert (out / 'pictures/0002.png').read_bytes() == images[1].read_bytes()


def test_pixels_are_unsure_below_the_threshold(images, tmp_path):
    desk = make_desk(tmp_path, PixelDesk(FakeSegmenter(), 0.5))
    token = predict(desk, images[:1]).token
    sure, half = 22 * 36, [['cow', 22 * 36, 50.0]]
    assert desk.show(token, 1, 'Classes', 0).rows == [['ground', sure, 50.0], *half]
    # a third is 33 percent
    assert desk.show(token, 1, 'Classes', 0.33).rows == [['ground', sure, 50.0], *half]
    shown = desk.show(token, 1, 'Classes', 0.34)
    assert shown.rows == [*half, ['unsure', sure, 50.0]]
    assert shown.headline == 'cow 50.0 %, unsure 50.0 %'
    assert shown.legend == [('ground', (9, 9, 9)), ('cow', (250, 0, 0))]
    assert (shown.image[:, 22:] == FakeDetector.read(images[0])[:, 22:, ::-1]).all()
    assert (shown.image[:, :22] != FakeDetector.read(images[0])[:, :22, ::-1]).any()
    # equal probabilities have the largest entropy, a certain one has none
    glow = desk.show(token, 1, 'Uncertainty', 0.34).image
    assert glow[:, :22].max() < 10 and glow[:, 22:].min(axis=(0, 1)).tolist() == [252, 253, 191]
    archive, areas = desk.files(token, 0.34)
    assert [(row['class'], row['pixels']) for row in rows_of(areas)] == [
        ('ground', '0'), ('cow', str(sure)), ('sky', '0'), ('unsure', str(sure))]
    zipfile.ZipFile(archive).extractall(tmp_path / 'out')
    mask = np.asarray(Image.open(tmp_path / 'out/masks/0001.png'))
    assert (mask[:, :22] == 1).all() and (mask[:, 22:] == 255).all()
    desk.files(token, 0)
    assert [row['class'] for row in rows_of(areas)] == ['ground', 'cow', 'sky']


def test_an_exported_segmentor_answers_the_same(images, tmp_path):
    pytest.importorskip('onnxruntime')
    config, checkpoint = write_segmentor(tmp_path)
    exported = tmp_path / 'tiny.onnx'
    export(config, checkpoint, out=exported, images=images[0], turns=1)
    answers = []
    for weights in (checkpoint, exported):
        model = load_model(config, weights, device='cpu', keep_logits=True)
        desk = make_desk(tmp_path / weights.suffix, PixelDesk(model, 0.5))
        done = predict(desk, images)
        assert (done.done, done.refused) == (3, ())
        answers.append(desk.show(done.token, 1, 'Classes', 0.5).totals)
    assert answers[0] == answers[1] and len(answers[0]) >= 3


def test_too_many_classes_are_refused():
    model = SimpleNamespace(classes=['x'] * 256, palette=[], read=None)
    with pytest.raises(ValueError, match='256 classes do not fit into a mask, which holds 255'):
        PixelDesk(model, 0.5)


# --- what goes wrong ------------------------------------------------------------------------------

def test_one_bad_image_does_not_cost_the_others(images, tmp_path, capsys):
    class Weak(FakeDetector):
        def __call__(self, image):
            if image.shape[1] == 45:
                raise RuntimeError('the network broke')
            if image.shape[1] == 46:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
            return super().__call__(image)

    broken = tmp_path / 'broken.png'
    broken.write_bytes(hostile.image()[:60])
    desk = make_desk(tmp_path, InstanceDesk(Weak(), 0.5))
    done = predict(desk, [broken, *images])
    assert [f'{one.name} {one.reason}' for one in done.refused] == [
        'broken.png is damaged: it cannot be decoded',
        '<b>$&{x}.png could not be done for an error of the program, which its console tells',
        '=c ä.png needs more memory than this computer has; make it smaller']
    assert 'RuntimeError: the network broke' in capsys.readouterr().err
    assert (done.done, done.total, done.ended) == (1, 4, True)
    shown = desk.show(done.token, 2, 'Animals', 0.5)
    assert (shown.name, shown.totals) == ('a.png', [['0002 a.png', 2, 1, 1]])
    with pytest.raises(KeyError):
        desk.show(done.token, 1, 'Animals', 0.5)


def test_what_the_memory_cannot_hold_is_a_sentence(images, tmp_path, monkeypatch):
    config, checkpoint = write_segmentor(tmp_path)
    model = load_model(config, checkpoint, device='cpu', keep_logits=True)
    desk = make_desk(tmp_path, PixelDesk(model, 0.5))
    token = predict(desk, images[:1]).token
    monkeypatch.setattr(headers, 'free_memory', lambda: 5000)
    assert [' '.join(one) for one in predict(desk, images[:1]).refused] == [
        'a.png needs more memory than this computer has; make it smaller']
    with pytest.raises(Refusal, match='The memory of this computer is too small for this now; try'):
        desk.show(token, 1, 'Classes', 0)
    with pytest.raises(Refusal, match='The memory of this computer is too small for this now; try'):
        desk.files(token, 0)
    # and the page says it
    page = Events(SimpleNamespace(update=dict), desk, SimpleNamespace(
        status='status', files='files', results='results', token='token'))
    for answer in (page.redraw(token, 1, 'Classes', 0), page.prepare(token, 0)):
        assert list(answer) == ['status'] and 'The memory of this computer is' in answer['status']


def test_kept_images_make_way_for_new_ones(images, tmp_path, monkeypatch):
    desk = make_desk(tmp_path)
    token, read = predict(desk, images).token, desk.model.read
    desk.show(token, 1, 'Animals', 0)
    assert desk._load.cache_info().currsize == 1

    def short(path):
        if desk._load.cache_info().currsize:
            raise headers.TooLarge('no memory')
        return read(path)

    monkeypatch.setattr(desk.model, 'read', short)
    assert predict(desk, images).refused == ()


def test_images_that_the_memory_cannot_keep_are_read_again(images, tmp_path, monkeypatch):
    monkeypatch.setattr(desk_file, 'free_memory', lambda: 50_000)
    desk = make_desk(tmp_path)
    token = predict(desk, images).token
    for _ in range(2):
        desk.show(token, 1, 'Animals', 0)
    assert desk._load.cache_info().currsize == 0


def test_an_image_waits_for_the_network_on_the_disk(images, tmp_path):
    reading = []

    class Slow(FakeDetector):
        @staticmethod
        def read(path):
            reading.append(threading.current_thread().name)
            return FakeDetector.read(path)

    predict(make_desk(tmp_path, InstanceDesk(Slow(), 0.5)), images)
    assert reading == ['network_0'] * 3


def test_an_image_larger_than_its_header_says_is_refused(images, tmp_path, monkeypatch):
    desk = make_desk(tmp_path)
    monkeypatch.setattr(desk.model, 'read', lambda path: np.zeros((1001, 1000), np.uint8))
    done = predict(desk, images[:1])
    assert [' '.join(one) for one in done.refused] == [
        'a.png is damaged: its header does not tell its size']
    assert done.done == 0


def test_without_space_the_rest_is_left_out(images, tmp_path):
    desk = make_desk(tmp_path, max_bytes=10)
    done = predict(desk, images)
    assert done.done == 0
    assert 'a.png and what came after it were left out: the demo has no space left' in ' '.join(
        done.refused[-1])


def test_names_are_text_on_the_page():
    name = '<img src=x onerror=alert(1)>${alert(2)}{{value}}'
    page = status_of('x', [Refused(name, 'is empty')] * 30)
    assert escape(name) == ('&lt;img src=x onerror=alert(1)&gt;&#36;&#123;alert(2)&#125;'
                            '&#123;&#123;value&#125;&#125;')
    assert page.count(escape(name)) == 20
    assert '<img' not in page and '${' not in page and '{{' not in page
    assert '<li>and 10 more files</li>' in page


def test_an_answer_is_packed_while_the_network_takes_the_next_image(images, tmp_path, monkeypatch):
    next_asked = threading.Event()
    pack = desk_file.np.savez_compressed

    class Watched(FakeDetector):
        def __call__(self, image):
            if len(self.asked) == 1:
                next_asked.set()
            return super().__call__(image)

    def patient(*args, **arrays):
        # the first image is kept only when the network was asked for the second one
        assert next_asked.wait(10)
        pack(*args, **arrays)

    monkeypatch.setattr(desk_file.np, 'savez_compressed', patient)
    desk = make_desk(tmp_path, InstanceDesk(Watched(), 0.5))
    done = predict(desk, images)
    assert (done.done, done.refused) == (3, ())
    assert [kept.number for kept in desk.images(done.token)] == [1, 2, 3]
