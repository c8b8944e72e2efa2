"""Sums of hours, of a file and of the clock."""
import json
from datetime import datetime

from plugin.inference.video.hours import Hours, clock
from plugin.tracking import Crossing, Gate, Pass, Pen, Tracker
from tests.helpers.moving import boxes

HOUR = 3600


def crossing(direction):
    return Crossing(0.0, direction, 1, 0, 100)


def fed(hours, counters, times):
    """One crossing forward at each time, and two backward in the second hour."""
    for time in times:
        new = [crossing('forward')] + [crossing('backward')] * 2 * (HOUR <= time < 2 * HOUR)
        hours.add(time, [new if isinstance(one, Gate) else [crossing('pass')]
                         if isinstance(one, Pass) else [] for one in counters])


def test_each_hour_has_its_own_sum_and_goes_on_after_a_restart():
    counters = [Gate((0, 0), (9, 9)), Pass()]
    times = [0, 10, HOUR - 1, HOUR, 3 * HOUR + 5]
    hours = Hours(counters)
    fed(hours, counters, times)
    expected = [[0, '0:00:00', 'gate', 3, 3, 0], [0, '0:00:00', 'pass', 3, '', ''],
                [1, '1:00:00', 'gate', -1, 1, 2], [1, '1:00:00', 'pass', 1, '', ''],
                [3, '3:00:00', 'gate', 1, 1, 0], [3, '3:00:00', 'pass', 1, '', '']]
    assert hours.rows() == expected
    for cut in range(len(times)):
        first, second = Hours(counters), Hours(counters)
        fed(first, counters, times[:cut])
        second.restore(json.loads(json.dumps(first.state())))
        fed(second, counters, times[cut:])
        assert second.rows() == expected


def test_hours_of_a_camera_are_those_of_the_clock():
    started = datetime(2026, 5, 1, 13, 50, 0).timestamp()
    counters = [Gate((0, 0), (9, 9))]
    hours = Hours(counters, started)
    for time in (0, 599, 600, 4200):
        hours.add(time, [[crossing('forward')]])
    assert [row[:4] for row in hours.rows()] == [
        [0, '2026-05-01 13:50:00', 'gate', 2], [1, '2026-05-01 14:00:00', 'gate', 1],
        [2, '2026-05-01 15:00:00', 'gate', 1]]


def test_a_pen_has_the_number_of_each_hour():
    pen, tracker = Pen(window=1.0), Tracker(memory=0)
    hours = Hours([pen])
    for frame in range(80):
        time = frame + (HOUR - 40)
        places = [(20, 20), (60, 20), (100, 20)][:3 if frame < 40 else 2]
        tracks = tracker.update(boxes(places), [0.9] * len(places), [0] * len(places), time)
        pen.update(time, tracks)
        hours.add(time, [[]])
    assert [row[3] for row in hours.rows()] == [3, 2] and pen.count == 3


def test_a_clock_is_read_as_one():
    assert [clock(time) for time in (0, 59.99, 3600, 90061)] == [
        '0:00:00', '0:00:59', '1:00:00', '25:01:01']
