"""HOTA, IDF1 and identity switches, beside closed forms and the example of a kept library."""
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as rle

from plugin.evaluation.tracking import TrackedVideo, track_scores
from plugin.utils import UserError

scored = pytest.mark.skipif(importlib.util.find_spec('trackeval') is None,
                            reason="needs trackeval: pip install -e '.[tracking]'")
BOX, FAR = (0, 0, 9, 5), (50, 50, 9, 5)


def video(*found, truth=7):
    """A video in which one animal stands still and has these ids, frame by frame."""
    made = TrackedVideo()
    for one in found:
        made.add({truth: BOX}, {} if one is None else {one: BOX})
    return made


@scored
def test_an_animal_that_changes_its_id():
    scores = video(1, 1, 2, 2).scores()
    # each half of the four frames has 2 of 4 (eq. 13): A = 2 / (2 + 2 + 0)
    assert scores == pytest.approx((0.5 ** 0.5, 1, 0.5, 0.5, 1))
    assert video(1, None, None, 1).scores() == pytest.approx((0.5, 0.5, 0.5, 2 / 3, 0))
    assert video(*[None] * 3).scores() == (0, 0, 0, 0, 0)


@scored
def test_videos_are_scored_together():
    good, bad = video(1, 1, 1, 1), video(1, 2, 1, 2)
    scores = track_scores([good, bad])
    assert (scores.switches, scores.idf1) == (3, pytest.approx(6 / 8))
    assert scores.assa == pytest.approx((4 * 1 + 4 * 0.5) / 8)
    assert (good.identities, bad.identities) == (1, 2)


@scored
def test_masks_are_compared_by_their_pixels():
    masks = np.zeros((2, 20, 20), np.uint8)
    masks[0, :10], masks[1, :10, :10] = 1, 1
    whole, half = (rle.encode(np.asfortranarray(mask)) for mask in masks)
    made = TrackedVideo()
    made.add({1: whole}, {1: half})
    np.testing.assert_allclose(made.data()['similarity_scores'][0], [[0.5]])
    scores = made.scores()
    assert scores.hota == pytest.approx(10 / 19)  # found at the thresholds 0.05 to 0.5


def hota_by_the_paper(truth, found, alpha):
    """HOTA at one threshold of boxes that match wholly or not at all, by eqs. 10 to 13."""
    matched = [(frame, one, two) for frame, (ones, twos) in enumerate(zip(truth, found))
               for one, box in ones.items() for two, other in twos.items() if box == other]
    lengths = [sum(map(len, frames)) for frames in (truth, found)]
    total = 0.0
    for _, one, two in matched:
        both = sum((a, b) == (one, two) for _, a, b in matched)
        ones, twos = sum(one in frame for frame in truth), sum(two in frame for frame in found)
        total += both / (ones + twos - both)
    wrong = sum(lengths) - 2 * len(matched)
    return np.sqrt(total / (len(matched) + wrong))


@scored
def test_hota_by_the_paper():
    rng = np.random.default_rng(0)
    truth, found, made = [], [], TrackedVideo()
    for _ in range(30):
        ones = {animal: (100 * animal, 0, 50, 50) for animal in range(4) if rng.random() < 0.8}
        twos = {int(10 * animal + rng.integers(2)): box for animal, box in ones.items()
                if rng.random() < 0.8} | {99: (900, 0, 50, 50)}
        truth.append(ones), found.append(twos), made.add(ones, twos)
    assert made.scores().hota == pytest.approx(hota_by_the_paper(truth, found, 0.5))


@scored
@pytest.mark.parametrize('name, idf1, switches', [('TUD-Campus', 0.558, 7),
                                                  ('TUD-Stadtmitte', 0.645, 7)])
def test_the_example_of_motmetrics(name, idf1, switches):
    """Its files, and what its page says of them."""
    found = importlib.util.find_spec('motmetrics')
    if found is None:
        pytest.skip('needs the example in motmetrics: pip install motmetrics')
    folder = Path(found.submodule_search_locations[0]) / 'data' / name
    parts = [np.loadtxt(folder / file, delimiter=',') for file in ('gt.txt', 'test.txt')]
    made = TrackedVideo()
    for frame in range(1, int(max(part[:, 0].max() for part in parts)) + 1):
        made.add(*({int(line[1]): tuple(line[2:6]) for line in part[part[:, 0] == frame]}
                   for part in parts))
    scores = made.scores()
    assert (round(scores.idf1, 3), scores.switches) == (idf1, switches)


def test_how_much_animals_overlap():
    made = TrackedVideo()
    made.add({3: BOX, 5: FAR}, {8: (0, 0, 9, 10)})
    made.add({}, {9: FAR})
    made.add({5: FAR}, {})
    data = made.data()
    np.testing.assert_allclose(data['similarity_scores'][0], [[0.5], [0]])
    assert [len(part) for part in data['gt_ids']] == [2, 0, 1]
    assert (data['num_gt_ids'], data['num_tracker_ids']) == (2, 2)
    assert (data['num_gt_dets'], data['num_tracker_dets'], data['num_timesteps']) == (3, 2, 3)


def test_what_cannot_be_scored(monkeypatch):
    with pytest.raises(UserError, match='there is no video to score'):
        track_scores([])
    monkeypatch.setitem(sys.modules, 'trackeval.metrics', None)
    with pytest.raises(UserError, match=r"need trackeval, which is not installed: pip install -e"):
        video(1).scores()
