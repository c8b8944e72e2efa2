"""The calibration error of pixels, against a slow count."""
import numpy as np
import pytest
import torch
from mmseg.registry import METRICS

import plugin  # noqa: F401
from plugin.utils import UserError


def slow_error(images, bins, ignore):
    """Expected calibration error in percent, pixel by pixel."""
    sums = np.zeros((bins, 3))
    for scores, truth in images:
        for row in range(truth.shape[0]):
            for column in range(truth.shape[1]):
                if truth[row, column] == ignore:
                    continue
                each = np.exp(scores[:, row, column] - scores[:, row, column].max())
                each /= each.sum()
                place = min(int(each.max() * bins), bins - 1)
                sums[place] += 1, each.max(), each.argmax() == truth[row, column]
    return 100 * np.abs(sums[:, 2] - sums[:, 1]).sum() / sums[:, 0].sum()


def sample(scores, truth):
    return dict(seg_logits=dict(data=torch.as_tensor(scores)),
                gt_sem_seg=dict(data=torch.as_tensor(truth)[None]))


@pytest.mark.parametrize(('bins', 'ignore'), [(15, 255), (4, 0)])
def test_it_is_the_slow_count(bins, ignore):
    generator = np.random.default_rng(bins)
    images = [(generator.normal(0, 2, (3, height, 7)).astype(np.float32),
               generator.choice([0, 1, 2, 255], (height, 7))) for height in (5, 9, 1)]
    metric = METRICS.build(dict(type='CalibrationMetric', bins=bins, ignore_index=ignore))
    for scores, truth in images:
        metric.process(None, [sample(scores, truth)])
    found = metric.evaluate(len(images))
    assert found == {'ECE': pytest.approx(slow_error(images, bins, ignore), abs=1e-3)}


def test_one_channel_is_the_probability_of_the_foreground():
    metric = METRICS.build(dict(type='CalibrationMetric'))
    # sure by 0.9 of background and of foreground, half of it is right
    metric.process(None, [sample(np.float32([[[0.1, 0.1, 0.9, 0.9]]]), [[0, 1, 0, 1]])])
    assert metric.evaluate(1)['ECE'] == pytest.approx(40)


def test_what_has_no_logits_or_no_truth_is_left_out():
    metric = METRICS.build(dict(type='CalibrationMetric'))
    whole = sample(np.float32([[[9.]], [[-9.]]]), [[0]])
    metric.process(None, [dict(seg_logits=whole['seg_logits']),
                          dict(gt_sem_seg=whole['gt_sem_seg'])])
    assert metric.evaluate(2) == {}
    with pytest.raises(UserError, match='bins=0: give 1 or more'):
        METRICS.build(dict(type='CalibrationMetric', bins=0))
