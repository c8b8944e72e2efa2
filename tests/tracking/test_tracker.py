"""Identities against ways that are known."""
import json

import numpy as np
import pytest

from plugin.tracking import Tracker
from plugin.utils import UserError
from tests.helpers.moving import RATE, boxes, one, play, walk


def ids(tracks):
    return [track.id for track in tracks]


def test_two_animals_that_cross_keep_their_ids():
    """They pass each other at half a body's distance; a track follows its own one."""
    right, left = walk((10, 26), (4, 0), 24), walk((106, 34), (-4, 0), 24)
    tracks = play(Tracker(), [boxes(pair, side=10) for pair in zip(right, left, strict=True)])
    for frame, pair in enumerate(tracks):
        where = {track.id: track.outline.centroid for track in pair}
        assert set(where) == {1, 2}, frame
        np.testing.assert_allclose(where[1][0], right[frame][0] - 0.5, atol=2.6)
        np.testing.assert_allclose(where[2][0], left[frame][0] - 0.5, atol=2.6)


@pytest.mark.parametrize('frames, kept', [(1, True), (19, True), (21, False)])
def test_an_animal_that_is_hidden_keeps_its_id_for_the_memory(frames, kept):
    places = walk((10, 30), (1, 0), 60)
    gone = range(10, 10 + frames)
    seen = one(None if frame in gone else place for frame, place in enumerate(places))
    tracks = play(Tracker(memory=2.0), seen)
    assert all(tracks[frame] == [] for frame in gone)
    assert ids(tracks[-1]) == ([1] if kept else [2])


def test_without_motion_it_would_not_be_found_again():
    """It comes out of the shade two lengths further on, which no overlap bridges."""
    places = walk((10, 30), (2, 0), 40)
    seen = one(None if 15 <= frame < 27 else place for frame, place in enumerate(places))
    assert {track.id for tracks in play(Tracker(), seen) for track in tracks} == {1}
    assert places[27][0] - places[14][0] > 2 * 12


@pytest.mark.parametrize('share, known', [(0.65, True), (0.69, False)])
def test_two_thirds_of_a_length_are_the_fastest_way(share, known):
    """A shift by s of a length L leaves an IoU of (L - s) / (L + s): 0.2 at two thirds."""
    places = walk((100, 30), (100 * share, 0), 6)
    frames = [boxes([place], side=100, shape=(80, 700)) for place in places]
    ids_seen = {track.id for tracks in play(Tracker(), frames) for track in tracks}
    assert len(ids_seen) == (1 if known else 6)


def test_ghosts_are_never_confirmed_and_flicker_is_no_new_animal():
    still = (30, 30)
    frames = [boxes([still, (80, 20 + 13 * (frame % 3))][:1 + frame % 2]) for frame in range(40)]
    tracks = play(Tracker(), frames)
    confirmed = {track.id for one in tracks for track in one if track.confirmed}
    assert confirmed == {1}
    # confirmed in the third frame, not before
    assert [tracks[frame][0].confirmed for frame in range(4)] == [False, False, True, True]


def test_a_second_outline_of_an_animal_is_none():
    twice = boxes([(30, 30)]).repeat(2, 0)
    twice[1, 24:26] = False
    assert [len(tracks) for tracks in play(Tracker(), [twice] * 5)] == [1] * 5


def test_what_is_found_with_a_low_score_continues_a_track_but_begins_none():
    places = walk((10, 30), (1, 0), 30)
    unsure = play(Tracker(), one(places), scores=lambda frame, _: 0.9 if frame < 5 else 0.2)
    assert [ids(tracks) for tracks in unsure] == [[1]] * 30
    assert unsure[-1][0].score == 0.2
    assert play(Tracker(), one(places), scores=lambda *_: 0.2)[-1] == []
    below = play(Tracker(), one(places), scores=lambda frame, _: 0.9 if frame < 5 else 0.05)
    assert [len(tracks) for tracks in below] == [1] * 5 + [0] * 25


def test_an_outline_over_two_animals_begins_none_and_they_go_on_after_it():
    apart = boxes([(30, 30), (44, 30)])
    joined = apart.any(0, keepdims=True)
    frames = [apart] * 5 + [joined] * 40 + [apart] * 5
    tracks = play(Tracker(memory=1.0), frames)
    assert [ids(one) for one in tracks] == [[1, 2]] * 5 + [[]] * 40 + [[1, 2]] * 5
    # what was joined from the beginning is one animal until it comes apart
    first = play(Tracker(), [joined] * 5 + [apart] * 5)
    assert ids(first[4]) == [1] and len(first[-1]) == 2


def test_a_class_is_never_taken_for_another():
    mask = boxes([(30, 30)])
    for agnostic, expected in ((False, {1, 2}), (True, {1})):
        tracker = Tracker(class_agnostic=agnostic)
        seen = {track.id for frame in range(10)
                for track in tracker.update(mask, [0.9], [int(frame >= 5)], frame / RATE)}
        assert seen == expected


def test_boxes_alone_confuse_what_masks_tell_apart():
    """Two thin animals lie across each other in turn: their boxes are the same, their masks not."""
    rising, falling = np.zeros((2, 40, 40), bool)
    places = np.arange(4, 36)
    for off in range(3):
        rising[places, np.minimum(places + off, 39)] = True
        falling[places, np.maximum(39 - places - off, 0)] = True
    falling &= ~rising
    switched = {}
    for box_only in (False, True):
        tracker = Tracker(box_only=box_only)
        frames = [np.stack([rising, falling][::1 if frame % 2 else -1]) for frame in range(12)]
        owners = {(track.id, bool((track.mask & rising).sum() > 50))
                  for tracks in play(tracker, frames) for track in tracks}
        switched[box_only] = len(owners)
    assert switched[False] == 2
    assert switched[True] >= 2


def test_a_variable_rate_is_no_variable_speed():
    """Frames are lost at times; by times the motion is even, by numbers of frames it is not."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.choice([0.1, 0.2, 0.7], 40))
    tracker = Tracker()
    seen = set()
    for time in times:
        mask = boxes([(10 + 3 * time, 30)])
        seen |= set(ids(tracker.update(mask, [0.9], [0], time)))
    assert seen == {1}


def test_a_restored_tracker_says_the_same():
    rng = np.random.default_rng(2)
    places = [np.cumsum(rng.normal(0, 2, (50, 2)), 0) + start for start in ((30, 30), (80, 30))]
    frames = [boxes([tuple(way[frame]) for way in places][:1 + (rng.random() < 0.8)])
              for frame in range(50)]
    whole, first, second = Tracker(), Tracker(), Tracker()
    expected = play(whole, frames)
    play(first, frames[:25])
    second.restore(json.loads(json.dumps(first.state())))
    for frame in range(25, 50):
        masks = frames[frame]
        tracks = second.update(masks, [0.9] * len(masks), [0] * len(masks), frame / RATE)
        assert [(track.id, track.box, track.hits, track.age) for track in tracks] == [
            (track.id, track.box, track.hits, track.age) for track in expected[frame]]


def test_a_gap_in_the_stream_ends_what_was_lost_before_it_and_nothing_else():
    tracker, still = Tracker(), boxes([(30, 30), (80, 30)])
    for frame in range(5):
        tracker.update(still, [0.9, 0.9], [0, 0], frame / RATE)
    tracker.update(still[:1], [0.9], [0], 0.6)
    assert ids(tracker.update(still, [0.9, 0.9], [0, 0], 100.0)) == [1, 3]


def test_an_empty_frame_and_an_empty_mask_are_no_animals():
    tracker = Tracker()
    assert tracker.update(np.zeros((0, 8, 8), bool), [], []) == []
    assert tracker.update(np.zeros((1, 8, 8), bool), [0.9], [0]) == []
    assert tracker.begun == 0


@pytest.mark.parametrize('settings, message', [
    (dict(low=0.6), 'low=0.6, high=0.5: give scores from 0 to 1, low not above high'),
    (dict(overlap=0), 'overlap=0 is no share'),
    (dict(confirm=0), 'confirm=0, memory=2.0, rate=25.0: give 1 frame or more'),
    (dict(rate=0), 'confirm=3, memory=2.0, rate=0: give'),
])
def test_wrong_settings_are_told(settings, message):
    with pytest.raises(UserError, match=message):
        Tracker(**settings)


def test_wrong_frames_are_told():
    tracker, mask = Tracker(), boxes([(30, 30)])
    with pytest.raises(UserError, match='1 masks, 2 scores and 1 labels'):
        tracker.update(mask, [0.9, 0.8], [0])
    tracker.update(mask, [0.9], [0], 1.0)
    with pytest.raises(UserError, match=r'time=1.0 does not lie behind .* 1.0: give times that'):
        tracker.update(mask, [0.9], [0], 1.0)
