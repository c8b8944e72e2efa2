"""Many visitors of the page at once, and what is forgotten."""
import os
import shutil
import threading
from types import SimpleNamespace

import pytest

from plugin.demo import shelf
from plugin.demo.events import Events, Parts
from plugin.demo.shelf import Gone, Shelf, folder_bytes, sweep
from tests.helpers.demo_models import make_desk, predict, write_images


@pytest.fixture
def images(tmp_path):
    return write_images(tmp_path)


def test_visitors_have_batches_of_their_own(images, tmp_path):
    desk = make_desk(tmp_path)
    one, other = predict(desk, images[:1]), predict(desk, images[1:])
    assert one.token != other.token
    assert [kept.name for kept in desk.images(one.token)] == ['a.png']
    assert [kept.name for kept in desk.images(other.token)] == ['<b>$&{x}.png', '=c ä.png']
    with pytest.raises(Gone, match='put away; send the images again'):
        desk.show('', 1, 'Animals', 0.5)
    # a new upload of a visitor replaces the last one, and only that
    again = predict(desk, images[:1], old=one.token)
    with pytest.raises(Gone):
        desk.files(one.token, 0.5)
    assert len(desk.images(again.token)) == 1 and len(desk.images(other.token)) == 2
    assert len(list(desk.shelf.root.iterdir())) == 2


def test_a_long_upload_lets_others_through(images, tmp_path):
    seen, queued, go = [], threading.Semaphore(0), threading.Event()
    desk = make_desk(tmp_path)
    early = predict(desk, images[:1])
    network, submit = desk.model.predict, desk._network.submit

    def slow(image):
        go.wait()
        seen.append(image.shape[1])
        return network(image)

    def counted(*args):
        future = submit(*args)
        queued.release()
        return future

    desk.model.predict, desk._network.submit = slow, counted
    long = threading.Thread(target=predict, args=(desk, images))
    long.start()
    queued.acquire()
    short = threading.Thread(target=predict, args=(desk, images[2:]))
    short.start()
    queued.acquire()
    # the network is busy, and who has results is answered
    assert len(desk.show(early.token, 1, 'Animals', 0.2).rows) == 3
    go.set()
    long.join()
    short.join()
    # the second visitor did not wait for all images of the first
    assert seen[:2] == [44, 46] and sorted(seen) == [44, 45, 46, 46]


def test_the_shelf_forgets(tmp_path):
    now = [0.0]
    shelf = Shelf(tmp_path, 1000, 60, clock=lambda: now[0])
    tokens = []
    for size in (400, 400, 100):
        token, batch = shelf.open()
        (batch.folder / 'x').write_bytes(bytes(size))
        batch.busy = False
        tokens.append(token)
        now[0] += 1
    assert shelf.make_space()
    shelf.get(tokens[0])
    token, batch = shelf.open()
    (batch.folder / 'x').write_bytes(bytes(400))
    # the one that was not used the longest goes, and nobody who is at work
    assert shelf.make_space() and folder_bytes(tmp_path) == 900
    with pytest.raises(Gone):
        shelf.get(tokens[1])
    (batch.folder / 'y').write_bytes(bytes(1000))
    assert not shelf.make_space() and shelf.get(token) is batch
    batch.busy = False
    now[0] += 61
    shelf.tidy()
    assert list(tmp_path.iterdir()) == []
    shelf.drop('unknown')


def test_old_files_are_swept(tmp_path):
    for index, size in enumerate((10, 20, 30, 40)):
        path = tmp_path / 'deep' / str(index)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(size))
        os.utime(path, (100 + index, 100 + index))
    sweep(tmp_path, 60, 75, now=161)
    assert sorted(path.name for path in tmp_path.rglob('*')) == ['2', '3', 'deep']
    sweep(tmp_path, 60, 75, now=1000)
    assert folder_bytes(tmp_path) == 0


def test_a_folder_that_goes_meanwhile_is_passed_over(tmp_path, monkeypatch):
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'x').write_bytes(bytes(10))
    state = shelf._state

    def taken_away(path):
        for other in tmp_path.iterdir():
            if other not in path.parents:
                shutil.rmtree(other)
        return state(path)

    monkeypatch.setattr(shelf, '_state', taken_away)
    assert folder_bytes(tmp_path) == 10


def test_images_taken_away_while_they_are_done_leave_nothing(images, tmp_path):
    desk = make_desk(tmp_path)
    network = desk.model.predict
    events = Events(SimpleNamespace(update=dict), desk, Parts(*Parts._fields))
    answers = []

    def interrupted(image):
        events.forget(answers[-1]['token'])
        return network(image)

    desk.model.predict = interrupted
    for answer in events.take(images, 0.5, 'Animals', ''):
        answers.append(answer)
    # it ends at the first image, and without an error
    assert len(answers) == 2 and '0 of 3 images are done' in answers[1]['status']
    assert desk.shelf.make_space()
    desk.shelf.tidy()
    assert list(desk.shelf.root.iterdir()) == []
