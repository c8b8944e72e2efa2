"""Videos counted from their beginning to their end, and what is left where they end before."""
import csv
import json

import cv2
import numpy as np
import pytest

from plugin.inference import track
from plugin.inference.video import Ways, camera, files, read_ways, session
from plugin.inference.video import sources as source_file
from plugin.utils import UserError
from tests.helpers.films import SquareFinder, crossing, picture, write_film

GATE = '48,60,48,4'


def rows_of(path):
    with path.open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def length_of(path):
    video = cv2.VideoCapture(str(path))
    number = 0
    while video.grab():
        number += 1
    return number


def counted(film, out, *gates, **settings):
    settings = {'ways': read_ways(gates or [GATE]), **settings}
    return track(SquareFinder(), film, out, **settings)


@pytest.fixture(scope='module')
def lane(tmp_path_factory):
    """A short film with its results: two animals, one of which turns back before the line."""
    folder = tmp_path_factory.mktemp('lane')
    way = [(10 + 2 * min(frame, 24 - frame), 50) for frame in range(25)] + [(10, 50)] * 5
    places = [(10 + 76 * frame / 29, 20) for frame in range(30)]
    pairs = zip(way, places, strict=True)
    film = write_film(folder / 'lane.avi', [picture(pair) for pair in pairs])
    done = counted(film, folder / 'out', ways=read_ways([GATE], [None], [None]))
    return film, done, folder / 'out/tracks/lane'


def test_the_files_say_the_same_count(lane, capsys):
    film, done, out = lane
    total = json.loads((out / 'total.json').read_text())
    assert done.totals == {str(film): total} and not done.failed
    assert str(done) == f'1 of 1 videos counted; results in {out.parent}'
    assert total['frames'] == 30 and total['seconds'] == 2.9 and total['threshold'] == 0.5
    assert total['ended'] == 'the end of the video'
    assert total['counters'] == [
        dict(name='gate', kind='gate', count=1, forward=1, backward=0),
        dict(name='pen', kind='pen', count=2, typical=2, highest=2),
        dict(name='pass', kind='pass', count=2)]
    frames = rows_of(out / 'frames.csv')
    assert [row['frame'] for row in frames] == [str(index) for index in range(30)]
    assert {row['found'] for row in frames} == {'2'}
    assert [row['tracked'] for row in frames] == ['0'] * 2 + ['2'] * 28
    assert (frames[-1]['gate forward'], frames[-1]['pen count'], frames[-1]['pass count']) == (
        '1', '2', '2')
    crossings = rows_of(out / 'crossings.csv')
    assert [(row['counter'], row['direction'], row['class']) for row in crossings].count(
        ('gate', 'forward', 'cow')) == 1
    assert {row['counter'] for row in crossings} == {'gate', 'pass'} and len(crossings) == 3
    gate = next(row for row in crossings if row['counter'] == 'gate')
    assert abs(float(gate['time']) - 1.6) <= 0.1 and int(gate['area']) == pytest.approx(144, abs=15)
    assert gate['clock'] == ''
    hours = rows_of(out / 'hours.csv')
    assert hours[0] == dict(hour='0', begins='0:00:00', counter='gate', count='1', forward='1',
                            backward='0')
    assert hours[1:] == [dict(hour='0', begins='0:00:00', counter=name, count='2', forward='',
                              backward='') for name in ('pen', 'pass')]


def test_mot_text_lists_the_confirmed_animals(lane):
    lines = (lane[2] / 'mot.txt').read_text().splitlines()
    values = np.array([[float(value) for value in line.split(',')] for line in lines])
    assert values.shape == (56, 10)
    assert values[:, 0].min() == 3 and set(values[:, 1]) == {1, 2}
    assert (values[:, 7:] == -1).all() and (values[:, 6] == 0.9).all()
    np.testing.assert_allclose(values[:, 4:6], 12, atol=2)


def test_the_video_has_all_frames_and_no_pieces_are_left(lane):
    out = lane[2]
    assert length_of(out / 'video.mp4') == 30
    assert {path.name for path in out.iterdir()} == {
        'frames.csv', 'crossings.csv', 'hours.csv', 'mot.txt', 'total.json', 'video.mp4',
        '.state.json'}


@pytest.fixture
def minutes(monkeypatch):
    """Minutes of one second, so that short films have several."""
    monkeypatch.setattr(session, 'MINUTE', 1)


class Killed(BaseException):
    """As if the process had ended."""


class Mortal(SquareFinder):
    """A detector that is killed at a frame."""

    def __init__(self, last):
        super().__init__()
        self._last = last

    def __call__(self, image):
        if self.asked == self._last:
            raise Killed
        return super().__call__(image)


WHOLE = ('frames.csv', 'crossings.csv', 'hours.csv', 'mot.txt', 'total.json')


@pytest.mark.parametrize('last, at', [(13, 10), (19, 10), (20, 20)])
def test_what_was_killed_goes_on_from_the_last_whole_minute(last, at, minutes, tmp_path, capsys):
    film = write_film(tmp_path / 'film.avi', crossing())
    counted(film, tmp_path / 'whole')
    with pytest.raises(Killed):
        track(Mortal(last), film, tmp_path / 'out', ways=read_ways([GATE]))
    out = tmp_path / 'out/tracks/film'
    # what a kill cuts short, or leaves behind
    with (out / 'mot.txt').open('a') as file:
        file.write('half a li')
    detector = SquareFinder()
    done = track(detector, film, tmp_path / 'out', ways=read_ways([GATE]), resume=True)
    assert f'goes on at 0:00:0{(at - 1) // 10}, with frame {at}' in capsys.readouterr().out
    assert (done.done, detector.asked) == (1, 30 - at)
    for name in WHOLE:
        assert (out / name).read_bytes() == (tmp_path / 'whole/tracks/film' / name).read_bytes()
    assert length_of(out / 'video.mp4') == 30
    again = track(detector, film, tmp_path / 'out', ways=read_ways([GATE]), resume=True)
    assert detector.asked == 30 - at and again.totals == done.totals
    told = capsys.readouterr().out
    assert 'was counted to its end before' in told and 'gate: 1 forward, 0 backward, net 1' in told


def test_what_cannot_go_on_starts_anew_and_says_so(minutes, tmp_path, capsys):
    film = write_film(tmp_path / 'film.avi', crossing())
    out = tmp_path / 'out/tracks/film'

    def resumed():
        detector = SquareFinder()
        track(detector, film, tmp_path / 'out', ways=read_ways([GATE]), resume=True)
        assert detector.asked == 30
        return capsys.readouterr().out

    assert f'is counted from its beginning: nothing of an earlier run is in {out}' in resumed()
    (out / '.state.json').write_text('{"half')
    assert '.state.json is damaged' in resumed()
    (out / 'mot.txt').write_text('')
    assert 'mot.txt is shorter than it was' in resumed()
    assert len(rows_of(out / 'frames.csv')) == 30


def test_a_new_run_forgets_the_state_of_the_one_before(tmp_path, capsys):
    """Else a kill in its first minute would let it go on from there, or be taken for finished."""
    film = write_film(tmp_path / 'film.avi', crossing())
    counted(film, tmp_path / 'out')
    out = tmp_path / 'out/tracks/film'
    (out / 'video').mkdir()
    (out / 'video/.00000.0a1b2c3d.mp4').write_bytes(b'of a run that was killed')
    with pytest.raises(Killed):
        track(Mortal(7), film, tmp_path / 'out', ways=read_ways([GATE]))
    assert not (out / 'video.mp4').exists()
    assert [path.name for path in (out / 'video').iterdir()] == ['00000.mp4']
    detector = SquareFinder()
    track(detector, film, tmp_path / 'out', ways=read_ways([GATE]), resume=True)
    assert detector.asked == 30 and 'is counted from its beginning' in capsys.readouterr().out
    # what never gets to a frame leaves it all alone
    before = (out / '.state.json').read_bytes()
    counted(film, tmp_path / 'out', '5,5,500,5')
    assert (out / '.state.json').read_bytes() == before and (out / 'video.mp4').exists()


def test_another_gate_does_not_go_on_with_this_one(tmp_path, capsys):
    film = write_film(tmp_path / 'film.avi', crossing())
    counted(film, tmp_path / 'out')
    done = counted(film, tmp_path / 'out', '40,60,40,4', resume=True)
    text, = done.failed.values()
    assert 'was begun with ways' in text and 'leave out --resume, or choose another --out' in text
    assert capsys.readouterr().err.startswith('stopped: ')


def test_a_longer_film_has_an_overlay_joined_of_its_minutes(minutes, tmp_path):
    film = write_film(tmp_path / 'film.avi', crossing(35))
    counted(film, tmp_path / 'out')
    video = cv2.VideoCapture(str(tmp_path / 'out/tracks/film/video.mp4'))
    reds = []
    while (frame := video.read())[0]:
        reds.append(frame[1])
    assert len(reds) == 35
    # the animal moves through all of them
    centres = [np.argwhere((frame[25:40] > 90).any(2))[:, 1].mean() for frame in reds]
    assert centres[0] < centres[15] < centres[34]


def test_ctrl_c_keeps_what_was_counted(minutes, tmp_path):
    film = write_film(tmp_path / 'film.avi', crossing())

    class Stopped(SquareFinder):
        def __call__(self, image):
            if self.asked == 25:
                raise KeyboardInterrupt
            return super().__call__(image)

    with pytest.raises(KeyboardInterrupt):
        track(Stopped(), film, tmp_path / 'out', ways=read_ways([GATE]))
    out = tmp_path / 'out/tracks/film'
    assert len(rows_of(out / 'frames.csv')) == 25
    total = json.loads((out / 'total.json').read_text())
    assert total['counters'][0]['forward'] == 1 and total['ended'] == 'it was stopped'
    pieces = sorted((out / 'video').iterdir())
    assert [length_of(piece) for piece in pieces] == [10, 10, 5]
    assert (out / 'video.m3u').read_text().split() == [f'video/{piece.name}' for piece in pieces]


def test_frames_of_another_size_end_it_with_what_was_counted(tmp_path, capsys):
    folder = tmp_path / 'frames'
    folder.mkdir()
    for number, frame in enumerate([*crossing(28), picture([], (48, 64)), picture([])]):
        cv2.imwrite(str(folder / f'{number}.png'), frame)
    done = counted(folder, tmp_path / 'out', fps=10)
    sentence = (f'{folder} changes its size: frame 28 has 48x64 pixels, those before 96x64: cut it '
                'there, and count the parts')
    assert done.failed == {str(folder): sentence} and done.done == 0
    out = tmp_path / 'out/tracks/frames'
    total = json.loads((out / 'total.json').read_text())
    assert total['ended'] == sentence and total['counters'][0]['forward'] == 1
    assert len(rows_of(out / 'frames.csv')) == 28
    assert capsys.readouterr().err == f'stopped: {sentence}\n'


def test_a_broken_video_keeps_its_count_and_the_next_one_is_done(tmp_path, monkeypatch):
    broken = write_film(tmp_path / 'broken.avi', crossing())
    good = write_film(tmp_path / 'good.avi', crossing())
    opened = files.VideoFile._open

    class Claims:
        """A file that claims to have more frames than it has."""

        def __init__(self, video):
            self._video = video

        def get(self, key):
            return self._video.get(key) + 30 * (key == cv2.CAP_PROP_FRAME_COUNT)

        def __getattr__(self, name):
            return getattr(self._video, name)

    monkeypatch.setattr(files.VideoFile, '_open', lambda self: Claims(opened(self)) if (
        self.path == broken) else opened(self))
    done = counted([broken, good], tmp_path / 'out')
    assert done.done == 1
    assert list(done.failed) == [str(broken)] and 'after frame 30 of 60' in done.failed[str(broken)]
    assert [total['counters'][0]['forward'] for total in done.totals.values()] == [1, 1]
    assert str(done).startswith('1 of 2 videos counted, 1 not to the end')


def test_what_has_no_frame_leaves_no_results(tmp_path):
    (tmp_path / 'film.mp4').write_bytes(b'')
    done = counted(tmp_path / 'film.mp4', tmp_path / 'out')
    assert list(done.failed) == [str(tmp_path / 'film.mp4')] and not done.totals
    assert not (tmp_path / 'out').exists()


def test_a_line_outside_of_the_picture_is_told_before_anything_is_written(tmp_path):
    film = write_film(tmp_path / 'film.avi', crossing(3))
    done = counted(film, tmp_path / 'out', '5,5,500,5')
    assert 'lies outside of the picture with (500, 5)' in done.failed[str(film)]
    assert list((tmp_path / 'out/tracks/film').iterdir()) == []


def test_a_camera_that_goes_away_keeps_its_count(tmp_path, monkeypatch, capsys):
    frames = iter(crossing())
    clock = iter(np.arange(1.7e9, 1.7e9 + 100, 0.1))

    class Capture:
        def read(self):
            # one after the other: the next frame comes when the last one was taken
            image = next(frames, None)
            return image is not None, image

        def get(self, key):
            return 10.0

        def release(self):
            pass

    class Waiting(camera.Camera):
        def frames(self, start):
            good, image = True, self._newest[1]
            while good:
                yield session.Frame(start, start / 10, image)
                good, image = self._capture.read()
                start += 1
            raise session.SourceError(f'{self.name} went away')

    monkeypatch.setattr(source_file, 'Camera', lambda address, folder, fps: Waiting(
        address, folder, fps, opener=lambda _: Capture(), clock=lambda: float(next(clock))))
    monkeypatch.setattr(source_file.Camera, 'shown', camera.Camera.shown, raising=False)
    done = counted('camera:0', tmp_path / 'out')
    out = tmp_path / 'out/tracks/camera-0'
    assert done.failed == {'camera:0': 'camera:0 went away'}
    crossing_row, = rows_of(out / 'crossings.csv')
    assert crossing_row['direction'] == 'forward' and crossing_row['clock'].startswith('2023-11-1')
    assert rows_of(out / 'hours.csv')[0]['begins'].startswith('2023-11-1')
    assert length_of(out / 'video/00000.mp4') == 30


def test_without_a_way_to_count_animals_get_ids_alone(tmp_path, capsys):
    film = write_film(tmp_path / 'film.avi', crossing()[:6])
    done = counted(film, tmp_path / 'out', ways=Ways(), overlays=False)
    assert 'no way to count was given, so that animals get numbers' in capsys.readouterr().err
    out = tmp_path / 'out/tracks/film'
    assert done.totals[str(film)]['counters'] == [] and not (out / 'video.mp4').exists()
    assert len((out / 'mot.txt').read_text().splitlines()) == 4


def test_a_model_without_masks_is_told(tmp_path):
    class Segmenter:
        config = 'fcn8s_barn.py'

    with pytest.raises(UserError, match='--track is for models of animals, but fcn8s_barn.py finds '
                       'classes of pixels: give a model that outlines animals'):
        track(Segmenter(), 'film.avi', tmp_path)
    with pytest.raises(UserError, match='opacity=2 is out of range: give 0 to 1'):
        track(SquareFinder(), 'film.avi', tmp_path, opacity=2)
