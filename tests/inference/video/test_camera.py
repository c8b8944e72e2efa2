"""A camera that is fast, slow, away for a while, or away for ever."""
import itertools
import threading

import cv2
import numpy as np
import pytest

from plugin.inference.video import camera as camera_file
from plugin.inference.video.camera import Camera
from plugin.inference.video.frame import SourceError


class Stream:
    """A stream whose connections give some frames each, and whose frames carry their number."""

    def __init__(self, *connections, rate=5.0):
        self._connections = iter(connections)
        self._left, self._number, self._rate = 0, 0, rate
        self.opened = self.released = 0

    def __call__(self, address):
        self.opened += 1
        self._left = next(self._connections, 0)
        return self

    def read(self):
        if self._left <= 0:
            return False, None
        self._left -= 1
        self._number += 1
        return True, np.full((2, 2, 3), self._number % 256, np.uint8)

    def get(self, key):
        assert key == cv2.CAP_PROP_FPS
        return self._rate

    def release(self):
        self.released += 1


@pytest.fixture
def at_once(monkeypatch):
    """Pauses that take no time; returns how long they would have been."""
    pauses = []

    class Event(threading.Event):
        def wait(self, timeout=None):
            if timeout is None:  # a thread waits for its own start
                return super().wait()
            pauses.append(timeout)
            return super().wait(0.001)

    monkeypatch.setattr(camera_file.threading, 'Event', Event)
    return pauses


def test_a_lost_connection_is_made_again_with_longer_pauses(at_once, capsys):
    stream, clock = Stream(4, 0, 0, 0, 0, 0, 0, 3), itertools.count(1000, 0.5)
    source = Camera('rtsp://a:b@barn/1', 'barn', opener=stream, clock=lambda: next(clock),
                    patience=0.5)
    assert (source.rate, source.is_live, source.started) == (5.0, True, 1000)
    frames = []
    with pytest.raises(SourceError, match=r'rtsp://barn/1 went away, and did not come back within '
                       '0.5 seconds: see to it, and go on with --resume'):
        for frame in source.frames(7):
            frames.append(frame)
    # the newest frames only, but the last one of all connections is among them
    assert [frame.number for frame in frames] == list(range(7, 7 + len(frames)))
    assert frames[-1].image[0, 0, 0] == 7
    assert all(one.time < other.time for one, other in itertools.pairwise(frames))
    assert at_once[:7] == [1, 2, 4, 8, 16, 30, 30]
    told = capsys.readouterr()
    assert told.err.startswith('warning: rtsp://barn/1 went away; connecting again\n')
    assert 'rtsp://barn/1 is back' in told.out and 'a:b' not in told.out + told.err
    assert stream.released >= 8


def test_who_is_slow_gets_the_newest_frame_and_nothing_piles_up():
    """A thread reads 200 frames while the consumer holds one; the next one is the last."""
    held, read_all = threading.Event(), threading.Event()

    class Fast(Stream):
        def read(self):
            if self._number == 1:
                held.wait(30)
            good, image = super().read()
            if not good:
                read_all.set()
            return good, image

    source = Camera(0, 'camera', opener=Fast(201), patience=0.2)
    frames = source.frames(0)
    next(frames)
    held.set()
    assert read_all.wait(30)
    assert next(frames).image[0, 0, 0] == 201
    with pytest.raises(SourceError, match='camera:0 went away'):
        next(frames)


def test_a_camera_that_gives_nothing_is_told():
    stream = Stream(0)
    with pytest.raises(SourceError, match='camera:3 gives no picture: see whether it is on, and'):
        Camera(3, 'camera', opener=stream)
    assert stream.released == 1


def test_an_error_of_opencv_is_a_lost_connection(at_once):
    class Broken(Stream):
        def read(self):
            if self._number == 2:
                self._number += 1
                raise cv2.error('broken packet')
            return super().read()

    source = Camera(0, 'camera', opener=Broken(2, 2), patience=0.5)
    with pytest.raises(SourceError, match='went away'):
        for frame in source.frames(0):
            last = frame
    assert last.image[0, 0, 0] == 5
