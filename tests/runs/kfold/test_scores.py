"""Scores of all folds."""
import json

import numpy as np
import pytest

from plugin.runs.kfold import scores


def test_mean_and_deviation_leave_out_what_is_not_there():
    values = [0.25, None, float('nan'), -1, 0.5, 1.0]
    known = [0.25, 0.5, 1.0]
    row = scores.summarise(values)
    assert row['n'] == 3 and row['values'] == [0.25, None, None, None, 0.5, 1.0]
    assert row['mean'] == pytest.approx(np.mean(known))
    assert row['std'] == pytest.approx(np.std(known, ddof=1))
    assert scores.summarise([2.0]) == dict(mean=2.0, std=None, n=1, values=[2.0])
    assert scores.summarise([None])['mean'] is None


def test_one_animal_too_few_is_a_bias_and_no_missing_score():
    for name in ('count/bias', 'count/bias.cow', 'count/skill'):
        assert scores.summarise([-1.0, 0.0, None], name)['mean'] == -0.5
    assert scores.summarise([-1.0, 0.5], 'coco/segm_mAP')['values'] == [None, 0.5]


def test_scores_of_classes_of_instances(tmp_path):
    (tmp_path / 'scores.json').write_text(json.dumps(dict(iteration=7, scores={
        'coco/segm_mAP': 0.5, 'coco/cow_precision': 0.25, 'coco/red calf_precision': -1})))
    assert scores.read_scores(tmp_path) == dict(
        iteration=7, scores={'coco/segm_mAP': 0.5},
        classes={'cow': dict(AP=0.25), 'red calf': dict(AP=-1)})
