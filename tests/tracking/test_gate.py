"""Crossings of a line against ways that are known."""
import json

import pytest

from plugin.tracking import Gate, Tracker
from plugin.utils import UserError
from tests.helpers.moving import RATE, boxes, one, play, walk

# upwards: what goes to the right of the picture goes forward
LINE = (60, 55), (60, 5)


def counted(places, gate=None, tracker=None, side=12):
    gate = gate or Gate(*LINE)
    play(tracker or Tracker(), one(places, side), gate)
    return gate.forward, gate.backward


def test_both_directions_with_time_id_and_area():
    gate = Gate(*LINE)
    right, left = walk((20, 20), (2, 0), 40), walk((100, 40), (-2, 0), 40)
    play(Tracker(), [boxes(pair) for pair in zip(right, left, strict=True)], gate)
    assert (gate.forward, gate.backward, gate.count) == (1, 1, 0)
    first, second = gate.crossings
    assert {(one.direction, one.id, one.label, one.area) for one in (first, second)} == {
        ('forward', 1, 0, 144), ('backward', 2, 0, 144)}
    # the point lies beyond the band of 3 pixels for the first time at x = 63.5
    assert first.time == pytest.approx(22 / RATE)
    assert gate.told() == 'gate: 1 forward, 1 backward, net 0'
    assert gate.summary() == dict(name='gate', kind='gate', count=0, forward=1, backward=1)


def test_an_animal_that_stops_on_the_line_counts_once():
    sway = [(60 + 2 * (-1) ** frame, 30) for frame in range(50)]
    way = walk((30, 30), (2, 0), 15)
    assert counted(way + sway + walk((62, 30), (2, 0), 15)) == (1, 0)
    assert counted(way + sway + walk((58, 30), (-2, 0), 15)) == (0, 0)
    # without a band each sway would be a crossing
    assert sum(counted(way + sway, Gate(*LINE, band=0))) > 20


@pytest.mark.parametrize('goes_on, expected', [(True, (1, 0)), (False, (0, 0))])
def test_an_animal_that_stops_half_behind_a_post_on_the_line(goes_on, expected):
    """The middle of what is seen of it lies beyond the line, its own middle before it."""
    way = walk((20, 30), (1, 0), 38)  # to x = 57
    stops = [(57, 30)] * 20
    rest = walk((57, 30), (1, 0) if goes_on else (-1, 0), 40)
    frames = one(way + stops + rest, side=24)
    for masks in frames:
        masks[:, :, 44:62] = False
    gate = Gate(*LINE)
    tracks = play(Tracker(), frames, gate)
    seen = [track.outline.centroid[0] for track in tracks[len(way) + 5]]
    assert seen == [65.0] and {track.id for frame in tracks for track in frame} == {1}
    assert (gate.forward, gate.backward) == expected


def test_back_and_forth_is_told_as_both():
    way = walk((30, 30), (3, 0), 20) + walk((90, 30), (-3, 0), 20) + walk((30, 30), (3, 0), 20)
    gate = Gate(*LINE)
    assert counted(way, gate) == (2, 1) and gate.count == 1


def test_around_the_end_of_the_line_is_not_through_it():
    gate = (60, 55), (60, 30)
    assert counted(walk((30, 15), (2, 0), 30), Gate(*gate)) == (0, 0)
    assert counted(walk((30, 40), (2, 0), 30), Gate(*gate)) == (1, 0)
    # around the end, and back through the gate
    there, down = walk((30, 15), (2, 0), 30), walk((88, 15), (0, 2), 13)
    assert counted(there + down + walk((88, 41), (-2, 0), 30), Gate(*gate)) == (0, 1)


def test_what_is_not_confirmed_never_counts():
    # two frames, one on each side
    assert counted([None] * 3 + [(55, 30), (65, 30)] + [None] * 30) == (0, 0)
    # confirmed only behind the line, which it crossed as the same animal
    assert counted([(54, 30), (59, 30), (64, 30), (69, 30), (74, 30)]) == (1, 0)


def test_what_begins_on_the_line_comes_from_nowhere():
    still = [(60, 30)] * 20
    gate = Gate(*LINE)
    assert counted(still + walk((60, 30), (2, 0), 20) + walk((98, 30), (-2, 0), 35), gate) == (0, 1)


@pytest.mark.parametrize('gap', [0, 5, 15])
@pytest.mark.parametrize('lost', range(8, 26, 2))
def test_an_id_that_is_lost_at_the_line_counts_once(gap, lost):
    """Wherever the track ends and a new one begins, the animal counts once."""
    places = walk((30, 30), (2, 0), 50)
    # a tracker that forgets at once gives the animal a new id behind each gap
    seen = one(None if lost <= frame <= lost + gap else place
               for frame, place in enumerate(places))
    tracker, gate = Tracker(memory=0), Gate(*LINE)
    tracks = play(tracker, seen, gate)
    assert {track.id for found in tracks for track in found} == {1, 2}
    near = abs(places[lost - 1][0] - 60) <= 12 and 2 * (gap + 2) <= 12
    behind = places[lost][0] > 64 or places[lost + gap + 1][0] < 56
    if near or behind:
        assert (gate.forward, gate.backward) == (1, 0), (lost, gap)
    else:  # lost before the line, begun anew behind it and too far away: honest, but not counted
        assert (gate.forward, gate.backward) in ((0, 0), (1, 0))


def test_the_way_of_a_lost_track_is_taken_over_by_one_only():
    """Two animals come out where one was lost: one of them has crossed."""
    frames = [boxes([place]) for place in walk((40, 30), (2, 0), 10)]
    frames += [boxes([]), boxes([])]
    frames += [boxes([(x, 22), (x, 38)], side=10) for x in range(62, 100, 2)]
    gate = Gate(*LINE)
    play(Tracker(memory=0), frames, gate)
    assert (gate.forward, gate.backward) == (1, 0)


def test_the_foot_stands_for_an_animal_seen_from_the_side():
    across = (10, 40), (110, 40)
    way = walk((30, 28), (0, 0.5), 30)  # the centre stays above the line, the foot comes below it
    assert counted(way, Gate(*across, anchor='foot')) == (1, 0)
    assert counted(way[:20], Gate(*across)) == (0, 0)


def test_a_restored_gate_says_the_same():
    places = walk((30, 30), (2, 0), 40)
    for cut in range(5, 35, 3):
        tracker, first, second = Tracker(), Gate(*LINE), Gate(*LINE)
        play(tracker, one(places[:cut]), first)
        second.restore(json.loads(json.dumps(first.state())))
        for frame in range(cut, 40):
            tracks = tracker.update(boxes([places[frame]]), [0.9], [0], frame / RATE)
            second.update(frame / RATE, tracks)
        assert second.forward == 1


def test_what_left_long_ago_is_forgotten():
    gate, tracker = Gate(*LINE), Tracker(confirm=1)
    for visit in range(200):
        tracks = tracker.update(boxes([(20 + 30 * (visit % 3), 30)]), [0.9], [0], 10.0 * visit)
        gate.update(10.0 * visit, tracks)
    assert tracker.begun == 200 and len(gate.state()['walkers']) <= 7


@pytest.mark.parametrize('line, settings, message', [
    (((5, 5), (5, 5)), {}, r'the line of gate begins and ends at \(5, 5\): give two points'),
    (LINE, dict(anchor='tail'), "anchor='tail' is unknown: give 'centre' or 'foot'"),
    (LINE, dict(band=-1), 'band=-1, memory=2.0: give 0 or more'),
])
def test_wrong_settings_are_told(line, settings, message):
    with pytest.raises(UserError, match=message):
        Gate(*line, **settings)
