"""Frames and their times, of files and folders, whole and broken."""
import cv2
import numpy as np
import pytest

from plugin.inference.video import SourceError, files, find_sources
from plugin.inference.video.files import VideoFile
from plugin.utils import UserError
from tests.helpers.films import SquareFinder, crossing, picture, write_film


def opened(inputs, out, **settings):
    return [one.open(SquareFinder().read) for one in find_sources(inputs, out, **settings)]


def test_a_video_has_the_times_of_its_container(tmp_path):
    film = write_film(tmp_path / 'a.avi', crossing(12), rate=8)
    source, = opened(film, tmp_path / 'out')
    frames = list(source.frames(0))
    assert (source.rate, source.total, source.folder, source.is_live) == (8, 12, 'a', False)
    assert [frame.number for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(12) / 8, atol=1e-6)
    later = list(source.frames(7))
    assert [(one.number, one.time) for one in later] == [(one.number, one.time)
                                                        for one in frames[7:]]
    np.testing.assert_array_equal(later[0].image, frames[7].image)
    other, = opened(film, tmp_path / 'out', fps=2)
    assert [frame.time for frame in other.frames(10)] == [5, 5.5]


class Video:
    """What OpenCV says of a container: frames (None: unreadable), times, rate and number."""

    def __init__(self, frames, times=None, rate=10.0, number=None):
        self._frames, self._rate = frames, rate
        self._times = times or [100.0 * place for place in range(len(frames))]
        self._number, self._next = len(frames) if number is None else number, 0

    def __call__(self, path):
        self._next = 0
        return self

    def grab(self):
        self._next += 1
        return self._next <= len(self._frames) and self._frames[self._next - 1] is not None

    def retrieve(self):
        return True, self._frames[self._next - 1]

    def read(self):
        return (True, self.retrieve()[1]) if self.grab() else (False, None)

    def get(self, key):
        return {cv2.CAP_PROP_FPS: self._rate, cv2.CAP_PROP_FRAME_COUNT: self._number,
                cv2.CAP_PROP_POS_MSEC: self._times[min(self._next, len(self._times)) - 1]}[key]

    def release(self):
        pass


@pytest.fixture
def container(monkeypatch, tmp_path):
    def make(*args, **settings):
        monkeypatch.setattr(files.cv2, 'VideoCapture', Video(*args, **settings))
        return VideoFile(tmp_path / 'film.mp4', 'film')
    return make


def test_a_variable_rate_is_taken_as_it_is(container, capsys):
    times = [40.0, 80.0, 500.0, 520.0]
    source = container([picture([])] * 4, times)
    np.testing.assert_allclose([frame.time for frame in source.frames(0)], [0, 0.04, 0.46, 0.48])
    assert capsys.readouterr().err == ''


def test_times_that_do_not_grow_are_replaced_aloud(container, capsys):
    source = container([picture([])] * 5, [0.0, 100.0, 100.0, 0.0, 900.0])
    np.testing.assert_allclose([frame.time for frame in source.frames(0)],
                               [0, 0.1, 0.2, 0.3, 0.9])
    assert capsys.readouterr().err.count('has no growing times from frame 2 on: 10 frames') == 1


@pytest.mark.parametrize('rate', [0.0, 90000.0, float('nan')])
def test_a_video_that_does_not_say_its_rate_gets_one_aloud(container, capsys, rate):
    source = container([picture([])] * 3, [0.0] * 3, rate=rate)
    assert 'does not say how many frames a second it has: 25 are taken' in capsys.readouterr().err
    assert [frame.time for frame in source.frames(0)] == [0, 0.04, 0.08]


def test_a_length_that_is_unknown_or_a_little_off_is_no_fault(container):
    for number in (0, -1, 51):
        source = container([picture([])] * 50, number=number)
        assert len(list(source.frames(0))) == 50 and source.total == max(number, 0)


def test_a_video_that_breaks_off_is_told_after_its_frames(container):
    source = container([picture([])] * 20, number=50)
    frames = []
    with pytest.raises(SourceError, match='film.mp4 breaks off after frame 20 of 50: copy it'):
        for frame in source.frames(0):
            frames.append(frame.number)
    assert frames == list(range(20))


def test_frames_that_are_broken_in_the_middle_are_passed_over(container):
    good = picture([])
    source = container([good] * 5 + [None] * 3 + [good] * 5)
    frames = list(source.frames(0))
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4, 8, 9, 10, 11, 12]
    assert frames[5].time == pytest.approx(0.8)


@pytest.mark.parametrize('content', [b'', b'no video'])
def test_what_has_no_frame_is_told(tmp_path, content):
    (tmp_path / 'film.mp4').write_bytes(content)
    found, = find_sources(tmp_path / 'film.mp4', tmp_path / 'out')
    with pytest.raises(SourceError, match='film.mp4 is no video that OpenCV can read, or has no f'):
        found.open(None)


def test_a_folder_of_numbered_frames_is_one_video(tmp_path, capsys):
    folder = tmp_path / 'lane'
    folder.mkdir()
    for number in (9, 10, 11, 14):
        cv2.imwrite(str(folder / f'f_{number}.png'), picture([(number, 30)]))
    source, = opened(folder, tmp_path / 'out', fps=5)
    assert capsys.readouterr().err == ''
    frames = list(source.frames(0))
    # numbers are counted, not compared as text; a missing one is time that passes
    assert [(frame.number, frame.time) for frame in frames] == [(0, 0), (1, 0.2), (2, 0.4), (5, 1)]
    assert [frame.number for frame in source.frames(2)] == [2, 5]
    (folder / 'f_10.png').write_bytes(b'broken')
    seen = []
    with pytest.raises(SourceError, match='1 frames cannot be read and were passed over: f_10.png'):
        for frame in source.frames(0):
            seen.append(frame.number)
    assert seen == [0, 2, 5]
    opened(folder, tmp_path / 'out')
    assert 'frames of a folder have no times: 25 a second are taken' in capsys.readouterr().err
    (folder / 'g_14.png').write_bytes(b'')
    with pytest.raises(UserError, match='f_14.png and g_14.png have the same number 14'):
        opened(folder, tmp_path / 'out')


def test_what_is_no_video_is_told(tmp_path):
    (tmp_path / 'pictures').mkdir()
    cv2.imwrite(str(tmp_path / 'pictures/cow.png'), picture([]))
    with pytest.raises(UserError, match='cow.png has no number in its name: give a folder with'):
        find_sources(tmp_path / 'pictures', tmp_path / 'out')
    with pytest.raises(UserError, match='cow.png is an image: --track takes videos, a folder of'):
        find_sources(tmp_path / 'pictures/cow.png', tmp_path / 'out')
    (tmp_path / 'pictures/cow.mp4').write_bytes(b'')
    with pytest.raises(UserError, match='pictures holds images and videos: give the frames of one'):
        find_sources(tmp_path / 'pictures', tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match='input .*nothing.mp4 does not exist'):
        find_sources(tmp_path / 'nothing.mp4', tmp_path / 'out')


def test_each_source_has_a_folder_of_its_own_and_passwords_stay_unsaid(tmp_path):
    for name in ('a/film.mp4', 'b/film.mp4'):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b'')
    address = 'rtsp://farmer:secret@10.0.0.7:554/live?key=hidden'
    found = find_sources([tmp_path / 'a/film.mp4', tmp_path / 'b/film.mp4', address, 'camera:0',
                          '1'], tmp_path / 'out')
    assert [one.folder for one in found] == ['film', 'film_2', 'rtsp-10-0-0-7-554-live', 'camera-0',
                                             'camera-1']
    assert [one.name for one in found][2:] == ['rtsp://10.0.0.7:554/live', 'camera:0', 'camera:1']
    assert [one.folder for one in find_sources(found, tmp_path / 'out')] == [
        one.folder for one in found]
