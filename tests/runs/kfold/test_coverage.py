"""Intervals of counts over folds, from the files that their validations leave."""
import json

import numpy as np
import pytest

from plugin.evaluation import CountCalibration, cross_coverage
from plugin.runs.kfold.coverage import count_coverage, told_coverage


@pytest.fixture
def folds(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(3):
        folder = tmp_path / f'fold{number}'
        folder.mkdir()
        truth = rng.integers(1, 6, 12).tolist()
        scores = [[*rng.beta(5, 2, true).round(6), *rng.beta(2, 5, 2).round(6)] for true in truth]
        content = dict(pictures=[[f'{place}.jpg', true, 0] for place, true in enumerate(truth)],
                       scores=scores, threshold=0.5)
        (folder / 'counts.json').write_text(json.dumps(content))
    return [tmp_path / f'fold{number}' for number in range(3)]


def test_against_the_folds_in_memory(folds):
    contents = [json.loads((folder / 'counts.json').read_text()) for folder in folds]
    inside = cross_coverage([CountCalibration(
        [np.array(one) for one in content['scores']],
        [there for _, there, _ in content['pictures']]) for content in contents])
    found = count_coverage(folds)
    assert found == dict(level=90, images=36, inside=sum(inside), share=sum(inside) / 36)
    assert told_coverage(found) == (
        f'{sum(inside)} of 36 true counts ({sum(inside) / 36:.0%}) lie in the 90% intervals that '
        'the other folds calibrate')


def test_folds_without_scores_have_none(folds):
    path = folds[1] / 'counts.json'
    content = json.loads(path.read_text())
    del content['scores']
    path.write_text(json.dumps(content))
    assert count_coverage(folds) is None
    path.unlink()
    assert count_coverage(folds) is None
