"""A visitor's video: what the page answers, and what it does not take."""
import itertools
import json
import zipfile
from types import SimpleNamespace

import pytest

from plugin.demo.archives import Refusal
from plugin.demo.film_events import FilmEvents, FilmParts
from plugin.demo.films import CHOICES, Films
from plugin.demo.instances import InstanceDesk
from plugin.demo.uploads import Limits
from tests.helpers.demo_models import make_desk
from tests.helpers.films import SquareFinder, crossing, picture, write_film

PEN, RIGHT, DOWN, PASS = CHOICES
PARTS = FilmParts(*FilmParts._fields)


@pytest.fixture
def films(tmp_path):
    """Videos on a desk, with a clock on which each look takes half a second."""
    seconds = itertools.count(0, 0.5)
    return Films(make_desk(tmp_path, InstanceDesk(SquareFinder(), 0.5)), lambda: next(seconds))


@pytest.mark.parametrize('choice, count', [
    (PEN, 'pen: 1 (now 1, typical 1, highest 1)'), (RIGHT, 'gate: 1 forward, 0 backward, net 1'),
    (DOWN, 'gate: 0 forward, 0 backward, net 0'), (PASS, 'pass: 1')])
def test_a_video_is_counted_while_the_visitor_looks(films, tmp_path, choice, count):
    film = write_film(tmp_path / 'a.avi', crossing())
    seen = list(films.count(film, choice, 0.5))
    assert len(seen) > 5 and {one.token for one in seen} == {seen[0].token}
    assert seen[0].text.startswith('0:00:00; ')
    assert all(one.image.shape == (64, 96, 3) for one in seen[:-1]) and seen[-1].image is None
    assert seen[-1].text == f'0:00:02; {count}. That was the end.'
    archive, video, crossings, total = seen[-1].files
    assert (video.name, crossings.name, total.name) == ('video.mp4', 'crossings.csv', 'total.json')
    assert json.loads(total.read_text())['frames'] == 30
    with zipfile.ZipFile(archive) as packed:
        assert sorted(packed.namelist()) == ['crossings.csv', 'frames.csv', 'hours.csv', 'mot.txt',
                                             'total.json', 'video.mp4']


def test_who_stops_keeps_what_was_counted(films, tmp_path):
    film = write_film(tmp_path / 'a.avi', crossing())
    seen = []
    for progress in films.count(film, PEN, 0.5):
        seen.append(progress)
        films.stop(progress.token)
    assert seen[-1].text.endswith('. You stopped it.') and len(seen) == 2
    assert json.loads(seen[-1].files[-1].read_text())['ended'] == 'it was stopped'
    assert [path.name for path in seen[-1].files] == [
        'results.zip', '00000.mp4', 'crossings.csv', 'total.json']
    # the next video takes the place of this one
    assert list(films.count(film, PEN, 0.5, seen[-1].token)) and not seen[-1].files[0].exists()


def test_the_slider_is_that_of_the_video_too(films, tmp_path):
    film = write_film(tmp_path / 'a.avi', crossing())
    assert 'pen: 0 ' in list(films.count(film, PEN, 0.95))[-1].text


def test_a_full_shelf_ends_it(films, tmp_path, monkeypatch):
    film = write_film(tmp_path / 'a.avi', crossing())
    monkeypatch.setattr(films._desk.shelf, 'make_space', lambda: False)
    assert list(films.count(film, PEN, 0.5))[-1].text.endswith('The demo has no space left now.')


@pytest.mark.parametrize('content, message', [
    (b'#EXTM3U\nfile:///etc/passwd', 'is no video; send MP4, MOV, AVI, MKV or WebM'),
    (b'ffconcat version 1.0', 'is no video; send'), (b'', 'is no video; send'),
    (b'RIFF\0\0\0\0AVI LIST', 'is no video; send'),
])
def test_what_is_no_video_is_not_opened(films, tmp_path, content, message):
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(Refusal, match=message):
        list(films.count(tmp_path / 'a.mp4', PEN, 0.5))


def test_what_is_too_large_is_refused(films, tmp_path):
    film = write_film(tmp_path / 'a.avi', [picture([], (320, 240))] * 3)
    films._desk.limits = Limits(upload=10 ** 6, total=10 ** 7, images=10, pixels=10 ** 4)
    with pytest.raises(Refusal, match='has frames of 320 x 240 pixels, more than are taken here'):
        list(films.count(film, PEN, 0.5))
    films._desk.limits = Limits(upload=1000, total=10 ** 7, images=10, pixels=10 ** 6)
    with pytest.raises(Refusal, match='is larger than .* MB; cut it, or use tools/predict.py'):
        list(films.count(film, PEN, 0.5))


def test_the_page_shows_the_running_count(films, tmp_path):
    film = write_film(tmp_path / 'a.avi', crossing())
    events = FilmEvents(SimpleNamespace(update=dict), films, PARTS)
    answers = list(events.take(str(film), RIGHT, 0.5, ''))
    assert 'The video is being read' in answers[0]['status']
    assert answers[1]['image']['value'].shape == (64, 96, 3) and answers[1]['token']
    assert 'gate: 1 forward, 0 backward, net 1. That was the end.' in answers[-1]['status']
    assert answers[-1]['files']['visible'] and len(answers[-1]['files']['value']) == 4
    assert 'Drop a video first' in list(events.take(None, RIGHT, 0.5, ''))[0]['status']
    (tmp_path / '<b>.mp4').write_bytes(b'no video')
    refused = list(events.take(str(tmp_path / '<b>.mp4'), RIGHT, 0.5, ''))[-1]['status']
    assert 'The video was not counted' in refused and '<b>&lt;b&gt;.mp4</b> is no video' in refused
