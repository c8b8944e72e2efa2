"""The number of animals in a closed pen, whatever becomes of their identities."""
import json

import numpy as np
import pytest

from plugin.tracking import Pass, Pen, Tracker
from plugin.tracking.zone import Zone
from plugin.utils import UserError
from tests.helpers.moving import RATE, boxes, play

SEVEN = [(10 + 16 * number, 15 + 30 * (number % 2)) for number in range(7)]


def test_seven_animals_stay_seven_while_the_sum_of_identities_grows():
    """Tracks break every few seconds, and outlines come double now and then."""
    rng = np.random.default_rng(0)
    hidden = np.zeros(7, int)
    frames = []
    for _ in range(600):
        # an animal lies down behind another one for a second, more than the memory bridges
        hidden = np.where((hidden == 0) & (rng.random(7) < 0.01), 10, np.maximum(hidden - 1, 0))
        places = [place for place, gone in zip(SEVEN, hidden, strict=True) if not gone]
        extra = [(float(rng.uniform(10, 110)), 55.0)] if rng.random() < 0.3 else []
        frames.append(boxes(places + extra))
    pen, tracker = Pen(), Tracker(memory=0.5)
    tracks = play(tracker, frames, pen)
    identities = {track.id for one in tracks for track in one if track.confirmed}
    assert len(identities) > 30
    assert pen.count == 7
    assert 6 <= pen.spread[0] <= pen.count <= pen.spread[1] <= 9


def test_the_number_is_a_quantile_of_medians_of_the_window():
    """Against numpy: medians of the last 2 seconds, and their quantile."""
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 7, 300)
    pen = Pen(window=2.0, quantile=0.8)
    for frame, number in enumerate(numbers):
        tracks = Tracker(confirm=1).update(boxes(SEVEN[:number]), [0.9] * number, [0] * number)
        pen.update(frame / 8, tracks)
    window = [numbers[frame - 16:frame + 1] for frame in range(16, 300)]
    medians = np.array([np.sort(part)[8] for part in window])
    assert pen.medians == dict(zip(*np.unique(medians, return_counts=True), strict=True))
    assert pen.count == np.quantile(medians, 0.8, method='inverted_cdf')
    assert pen.spread == (np.quantile(medians, 0.5, method='inverted_cdf'), medians.max())


def test_only_the_zone_counts():
    pen = Pen(Zone([(0, 0), (60, 0), (60, 60), (0, 60)]), name='calves')
    play(Tracker(), [boxes(SEVEN)] * 80, pen)
    assert pen.count == sum(x < 60 for x, _ in SEVEN) == 4
    assert pen.told() == 'calves: 4 (now 4, typical 4, highest 4)'
    assert pen.summary() == dict(name='calves', kind='pen', count=4, typical=4, highest=4)


def test_a_video_shorter_than_the_window_has_its_median():
    pen = Pen()
    assert pen.count == 0
    play(Tracker(), [boxes(SEVEN)] * 12, pen)
    assert pen.count == 7 and pen.medians == {}


def test_a_part_of_the_video_has_its_own_number():
    pen = Pen(window=1.0)
    tracker = Tracker(memory=0)
    play(tracker, [boxes(SEVEN)] * 60, pen)
    before = pen.medians
    for frame in range(60, 120):
        pen.update(frame / RATE, tracker.update(boxes(SEVEN[:2]), [1, 1], [0, 0], frame / RATE))
    assert (pen.count, pen.at(pen.quantile, before)) == (7, 7)
    assert pen.at(0.5, before) == 2


def test_a_restored_pen_says_the_same():
    pen, again, tracker = Pen(window=1.0), Pen(window=1.0), Tracker()
    play(tracker, [boxes(SEVEN)] * 30, pen)
    again.restore(json.loads(json.dumps(pen.state())))
    for frame in range(30, 50):
        tracks = tracker.update(boxes(SEVEN[:3]), [1] * 3, [0] * 3, frame / RATE)
        pen.update(frame / RATE, tracks)
        again.update(frame / RATE, tracks)
    assert again.state() == pen.state() and again.count == pen.count


@pytest.mark.parametrize('counter, settings, message', [
    (Pen, dict(quantile=2), 'window=5.0, quantile=2: give 0 seconds or more, and a share'),
    (Pen, dict(anchor='tail'), "anchor='tail' is unknown"),
    (Pass, dict(seconds=-1), 'seconds=-1, distance=1.0: give 0 or more'),
    (Pass, dict(anchor='tail'), "anchor='tail' is unknown"),
])
def test_wrong_settings_are_told(counter, settings, message):
    with pytest.raises(UserError, match=message):
        counter(**settings)
