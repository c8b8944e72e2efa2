"""Counts with intervals: in the tables, of the total, and where there are none."""
import json
import math

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from plugin.evaluation import CountCalibration, CountIntervals
from plugin.inference import Detector, load_model, predict
from tests.helpers.tiny_detector import rows_of, write_detector, write_weights

THRESHOLD = 0.5
# 30 images of a validation: at 0.5, one animal of three is missed in every third
SCORES = [np.array([0.9, 0.8, 0.2])] * 30
TRUTH = [3, 2, 2] * 10


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp('Kühe 牛')
    config = write_detector(folder)
    best = write_weights(config, 'best.pth', THRESHOLD, CountCalibration(SCORES, TRUTH))
    images = folder / 'in'
    images.mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (36, 44, 3), dtype=np.uint8)
        cv2.imwrite(str(images / f'{number}.png'), pixels)
    return folder, config, best


def expected(count):
    # the scores of the images that miss one are half an animal by the root of 3
    reach = 0.5 / math.sqrt(3) * math.sqrt(count + 1)
    return math.ceil(count - reach), math.floor(count + reach + 0.5)


def test_tables_and_total(model, tmp_path, capsys):
    folder, config, best = model
    detector = load_model(config, best, device='cpu')
    done = predict(detector, folder / 'in', tmp_path)
    rows = rows_of(tmp_path / 'counts.csv')
    counts = [int(row['count']) for row in rows]
    assert list(rows[0]) == ['picture', 'count', 'cow', 'calf', 'count_low', 'count_high']
    assert len(rows) == 4 and sum(counts) > 4
    for row, count in zip(rows, counts, strict=True):
        assert (int(row['count_low']), int(row['count_high'])) == expected(count)
    low, high = CountIntervals([2] * 30, TRUTH).total(counts)
    assert json.loads((tmp_path / 'total.json').read_text()) == dict(
        images=4, count=sum(counts), low=low, high=high, level=90, threshold=THRESHOLD,
        calibrated_on=30, reason=None)
    assert (done.total.count, done.total.interval) == (sum(counts), (low, high))
    assert f'{sum(counts)} animals in 4 images; {low} to {high} with a probability of 90%' in (
        capsys.readouterr().out)
    found = detector(str(folder / 'in/0.png'))
    assert found.interval == expected(len(found))


def test_another_threshold_has_its_own_intervals(model):
    folder, config, best = model
    detector = Detector(Config.fromfile(config), str(best), score_thr=0.85)
    # one of two or three was found in each
    assert detector.count_intervals().of(1) == CountIntervals([1] * 30, TRUTH).of(1) == (0, 3)
    assert detector.count_intervals(0.1).of(3) == CountIntervals([3] * 30, TRUTH).of(3)


@pytest.mark.parametrize('counts, settings, reason', [
    (None, {}, 'the checkpoint keeps no counts of a validation: let tools/calibrate.py'),
    (CountCalibration(SCORES[:3], TRUTH[:3]), {}, 'val has 3 images: too few for a 90% interval'),
    (CountCalibration(SCORES, TRUTH), dict(tile=32, overlap=8),
     'images in tiles are counted in another way than those of the validation')])
def test_no_interval_is_better_than_a_wrong_one(model, tmp_path, capsys, counts, settings, reason):
    folder, config, _ = model
    weights = write_weights(config, 'other.pth', THRESHOLD, counts)
    done = predict(load_model(config, weights, device='cpu', **settings), folder / 'in', tmp_path)
    assert f'in 4 images; no interval: {reason}' in capsys.readouterr().out
    rows = rows_of(tmp_path / 'counts.csv')
    assert {(row['count_low'], row['count_high']) for row in rows} == {('', '')}
    total = json.loads((tmp_path / 'total.json').read_text())
    assert total['reason'].startswith(reason) and total['low'] is total['high'] is None
    assert done.total.interval is None and total['count'] == sum(int(row['count']) for row in rows)


def test_what_was_done_is_in_the_total_after_ctrl_c(model, tmp_path, monkeypatch):
    folder, config, best = model
    detector = load_model(config, best, device='cpu')
    find, seen = detector._predict, []

    def stopped(image):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(find(image))
        return seen[-1]

    monkeypatch.setattr(detector, '_predict', stopped)
    with pytest.raises(KeyboardInterrupt):
        predict(detector, folder / 'in', tmp_path)
    total = json.loads((tmp_path / 'total.json').read_text())
    assert (total['images'], total['count']) == (2, sum(map(len, seen)))
