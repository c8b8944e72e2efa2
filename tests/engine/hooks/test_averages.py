"""Averages beside a training: those of EMAHook, one or several, that survive a kill."""
import pytest
import torch
from mmengine.hooks import Hook

from plugin.utils import UserError
from tests.helpers.toy_teacher import toy_runner

FAST, SLOW = (dict(ema_type='TeacherAverage', decay=decay, begin_iter=3) for decay in (0.5, 0.9))
BOTH = dict(type='AveragesHook', averages=dict(fast=FAST, slow=SLOW))


class Stop(Hook):
    """Stops before an iteration."""

    def __init__(self, iteration):
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            raise KeyboardInterrupt


def train(folder, *hooks, **more):
    runner = toy_runner(folder, dict(export=False), dict(has_teacher=False), iters=8,
                        hooks=hooks, **more)
    runner.train()
    return torch.load(folder / 'iter_8.pth', weights_only=False)


def assert_same(state, other, prefix=''):
    assert {f'{prefix}{key}' for key in state} | {'steps'} == {*other, 'steps'}
    for key, value in state.items():
        assert torch.equal(value, other[f'{prefix}{key}']), key


def test_each_average_is_that_of_a_training_of_its_own(tmp_path):
    plain, both = train(tmp_path / 'plain'), train(tmp_path / 'both', BOTH)
    # the training does not see them
    assert_same(plain['state_dict'], both['state_dict'])
    for name, settings in BOTH['averages'].items():
        alone = train(tmp_path / name, dict(type='EMAHook', **settings))
        assert_same(alone['state_dict'], both['averages'][name], 'module.')
    assert not torch.equal(both['averages']['fast']['module.student.0.weight'],
                           both['averages']['slow']['module.student.0.weight'])


@pytest.mark.parametrize('stop', [1, 3, 6])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, stop):
    whole = train(tmp_path / 'whole', BOTH)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / 'cut', BOTH, Stop(stop))
    again = train(tmp_path / 'cut', BOTH, resume=True,
                  load_from=str(tmp_path / f'cut/iter_{stop}.pth'))
    for name, state in whole['averages'].items():
        assert state['steps'] == again['averages'][name]['steps'] == 6
        assert_same(state, again['averages'][name])


def test_an_average_starts_from_the_weights_that_are_loaded(tmp_path):
    train(tmp_path / 'first')
    late = dict(BOTH, averages=dict(slow=dict(SLOW, begin_iter=100)))
    found = train(tmp_path / 'second', late, load_from=str(tmp_path / 'first/iter_8.pth'))
    assert_same(found['state_dict'], found['averages']['slow'], 'module.')


def test_a_checkpoint_without_the_average_is_refused(tmp_path):
    train(tmp_path / 'one', dict(BOTH, averages=dict(fast=FAST)))
    runner = toy_runner(tmp_path / 'one', hooks=[BOTH], model=dict(has_teacher=False), iters=9,
                        resume=True, load_from=str(tmp_path / 'one/iter_8.pth'))
    with pytest.raises(UserError, match="holds no average 'slow': it has 'fast'; train anew"):
        runner.train()


def test_a_test_predicts_with_the_average_that_it_names(tmp_path):
    saved = train(tmp_path / 'run', BOTH)
    runner = toy_runner(tmp_path / 'test', hooks=[dict(type='AveragesHook', predict_on='fast')],
                        model=dict(has_teacher=False))
    runner.call_hook('before_run')
    runner.load_checkpoint(str(tmp_path / 'run/iter_8.pth'))
    assert_same(runner.model.state_dict(), {
        key.removeprefix('module.'): value for key, value in saved['averages']['fast'].items()})
    runner = toy_runner(tmp_path / 'other', hooks=[dict(type='AveragesHook', predict_on='no')])
    with pytest.raises(UserError, match="no average 'no': it has 'fast', 'slow'"):
        runner.load_checkpoint(str(tmp_path / 'run/iter_8.pth'))
