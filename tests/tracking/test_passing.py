"""Tracks that count as animals which passed."""
import json

from plugin.tracking import Pass, Tracker
from plugin.tracking.zone import Zone
from tests.helpers.moving import RATE, boxes, one, play, walk


def test_who_walks_counts_once_and_who_stands_does_not():
    counter = Pass()
    ways = [walk((10, 15), (2, 0), 40), [(60, 45)] * 40]
    play(Tracker(), [boxes(pair) for pair in zip(*ways, strict=True)], counter)
    assert counter.count == 1
    assert counter.told() == 'pass: 1'
    assert counter.summary() == dict(name='pass', kind='pass', count=1)


def test_the_crossing_tells_when_the_way_was_long_enough():
    counter, tracker = Pass(seconds=0.5, distance=1.0), Tracker()
    found = []
    for frame, place in enumerate(walk((10, 30), (3, 0), 30)):
        tracks = tracker.update(boxes([place]), [0.9], [0], frame / RATE)
        found += counter.update(frame / RATE, tracks)
    # 12 pixels are 4 steps, but half a second is 5
    assert found == [(0.5, 'pass', 1, 0, 144)]


def test_a_lost_track_counts_again_as_the_page_says():
    counter = Pass()
    places = walk((10, 30), (2, 0), 50)
    play(Tracker(memory=0.2), one(None if 20 <= frame < 25 else place
                                  for frame, place in enumerate(places)), counter)
    assert counter.count == 2


def test_only_the_way_in_the_zone_counts():
    short, wide = Zone([(0, 0), (14, 0), (14, 60), (0, 60)]), Zone([(0, 0), (70, 0), (0, 99)])
    for zone, expected in ((short, 0), (wide, 1)):
        counter = Pass(zone)
        play(Tracker(), one(walk((5, 30), (2, 0), 50)), counter)
        assert counter.count == expected


def test_a_restored_pass_counts_nothing_twice():
    places = walk((10, 30), (2, 0), 40)
    for cut in (3, 8, 30):
        tracker, first, second = Tracker(), Pass(), Pass()
        play(tracker, one(places[:cut]), first)
        second.restore(json.loads(json.dumps(first.state())))
        for frame in range(cut, 40):
            second.update(frame / RATE, tracker.update(boxes([places[frame]]), [0.9], [0],
                                                       frame / RATE))
        assert second.count == 1
