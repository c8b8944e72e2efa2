"""Trainings that end when they do not get better."""
import math
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from plugin.engine.hooks import ResumableEarlyStoppingHook


class _Runner:
    """A training that validates after every iteration."""

    number = 0

    def __init__(self, hook, info=None, iteration=0):
        _Runner.number += 1
        self.message_hub = MessageHub.get_instance(f'early stopping {_Runner.number}')
        for key, value in (info or {}).items():
            self.message_hub.update_info(key, value)
        self.iter, self.epoch, self.hooks, self.lines = iteration, 0, [hook], []
        self._train_loop = self.train_loop = SimpleNamespace(stop_training=False)
        self.logger = SimpleNamespace(info=self.lines.append, warning=self.lines.append)
        self.hook = hook
        hook.before_run(self)
        hook.before_train(self)

    def validate(self, *scores, name='loss'):
        """Validate until the training is stopped; returns the iteration."""
        for score in scores:
            if self.train_loop.stop_training:
                break
            self.iter += 1
            self.hook.after_val_epoch(self, {name: score, 'mAcc': 3.0})
        return self.iter


def stopping(**kwargs):
    return ResumableEarlyStoppingHook(**{**dict(monitor='loss', patience=2), **kwargs})


@pytest.mark.parametrize(('kwargs', 'scores', 'end'), [
    # the best is 2; equal and worse are not better
    ({}, [3, 2, 2, 4, 1], 4),
    ({}, [3, 2, 4, 1, 5, 0.9], 6),
    (dict(min_delta=0.5), [3, 2.6, 2.4, 2.0, 2.0, 1.95, 0], 5),
    (dict(monitor='mIoU'), [10, 20, 20, 19, 30], 4),
    (dict(monitor='mIoU', patience=1), [10, 20, 20, 19, 30], 3),
    (dict(monitor='count/MAE'), [3, 4, 5, 1], 3),
    # whole names: a class may be called anything, and loss_iou is a loss
    (dict(monitor='count/MAE.top'), [3, 4, 5, 1], 3),
    (dict(monitor='student/PA'), [10, 20, 20, 19, 30], 4),
    (dict(monitor='IoU.loss'), [10, 20, 20, 19, 30], 4),
    (dict(monitor='loss_iou'), [3, 2, 2, 4, 1], 4),
    (dict(monitor='bias', rule='greater'), [1, 0, 2, 1, 1], 5),
    (dict(stopping_threshold=1.5), [3, 1.4, 1], 2),
    ({}, [3, math.nan, 1], 2),
    (dict(check_finite=False), [3, math.inf, 1, 2, 3], 5),
])
def test_stops_when_it_is_time(kwargs, scores, end):
    hook = stopping(**kwargs)
    runner = _Runner(hook)
    assert runner.validate(*scores, name=hook.monitor) == end
    # one of them ends with its best score
    assert runner.train_loop.stop_training == (scores[-1] != 0.9)


def test_reason_names_iteration_score_and_best():
    runner = _Runner(stopping())
    runner.validate(3, 2, 4, 5)
    assert runner.lines == ['stopped early at iteration 4, because loss has not been better than 2 '
                            'in 2 validations']
    runner = _Runner(stopping())
    runner.validate(math.nan)
    assert runner.lines == ['stopped early at iteration 1, because loss is nan']


@pytest.mark.parametrize('cut', [1, 2, 3, 4])
def test_count_survives_a_kill(cut):
    scores = [3, 2, 4, 1.5, 2, 2, 1]
    whole = _Runner(stopping())
    end = whole.validate(*scores)
    killed = _Runner(stopping())
    killed.validate(*scores[:cut])
    # what a checkpoint keeps is a copy of plain values
    kept = killed.message_hub.state_dict()['runtime_info']
    resumed = _Runner(stopping(), kept, killed.iter)
    assert resumed.validate(*scores[cut:]) == end == 6
    assert resumed.lines == whole.lines


def test_stopped_training_stays_stopped_unless_with_more_patience():
    stopped = _Runner(stopping())
    stopped.validate(3, 4, 5)
    kept = stopped.message_hub.state_dict()['runtime_info']
    again = _Runner(stopping(), kept, 3)
    assert again.train_loop.stop_training
    assert 'this training was stopped early: at iteration 3, because loss has not been' in (
        again.lines[0])
    assert 'it goes on with more patience, or without early stopping' in again.lines[0]
    patient = _Runner(stopping(patience=3), kept, 3)
    # where it goes on, the loop validates once more: that is not another one
    patient.hook.after_val_epoch(patient, dict(loss=5))
    assert not patient.train_loop.stop_training
    assert patient.validate(6, 7) == 4
    # another score begins anew
    other = _Runner(stopping(monitor='mAcc'), kept, 3)
    assert not other.train_loop.stop_training
    # the first of three equal ones is the best
    assert other.validate(1, 1, 1) == 6


def test_score_that_is_not_there_is_named_and_nothing_is_lost():
    runner = _Runner(stopping(monitor='mAc', rule='greater'))
    assert runner.validate(1, 2, 3, 4) == 4
    assert runner.lines[0] == ('early stopping does nothing: the validation has no score mAc, did '
                               'you mean mAcc; it has loss, mAcc')


@pytest.mark.parametrize(('kwargs', 'message'), [
    (dict(patience=0), 'patience=0 and min_delta=0.0 makes no sense: give 1 validation or more'),
    (dict(min_delta=-1), 'min_delta=-1 makes no sense'),
    (dict(monitor='count/bias'), "whether count/bias should rise or fall .* set rule='greater'"),
])
def test_settings_that_make_no_sense(kwargs, message):
    with pytest.raises(ValueError, match=message):
        stopping(**kwargs)
