"""OpenCV is silenced for a while, in its fourth and its fifth version."""
import types

import cv2
import pytest

from plugin.utils.opencv import one_thread, quiet


class Log:
    """The level of a log, as OpenCV keeps it."""

    def __init__(self):
        self.level, self.seen = 3, []

    def setLogLevel(self, level):  # noqa: N802
        before, self.level = self.level, level
        self.seen.append(level)
        return before


@pytest.mark.parametrize('version', [4, 5])
def test_the_level_of_the_log_comes_back(monkeypatch, version):
    log = Log()
    if version == 4:
        monkeypatch.setattr(cv2, 'setLogLevel', log.setLogLevel, raising=False)
    else:
        monkeypatch.delattr(cv2, 'setLogLevel', raising=False)
        monkeypatch.setattr(cv2.utils, 'logging', types.SimpleNamespace(
            setLogLevel=log.setLogLevel), raising=False)
    with pytest.raises(ValueError), quiet():
        assert log.level == 0
        raise ValueError
    assert (log.level, log.seen) == (3, [0, 3])


def test_the_threads_come_back():
    before = cv2.getNumThreads()
    with one_thread():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before
