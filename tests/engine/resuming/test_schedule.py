"""Schedules that are replayed, compared, and measured against the training."""
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from plugin.engine.resuming.schedule import can_replay, changes_of, early_end, replay
from tests.helpers.paths import ROOT

WARM = dict(type='LinearLR', start_factor=0.1, begin=0, end=4)


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def wrapper_of(paramwise=None) -> OptimWrapper:
    return build_optim_wrapper(network(), dict(
        optimizer=dict(type='SGD', lr=0.3, momentum=0.9, weight_decay=1e-3),
        paramwise_cfg=paramwise))


def built(configs, optimizer):
    return [PARAM_SCHEDULERS.build(dict(dict(by_epoch=False), optimizer=optimizer, **config))
            for config in configs]


def trained(configs, iterations, paramwise=None):
    """What MMEngine arrives at, step by step."""
    optimizer = wrapper_of(paramwise)
    schedulers = built(configs, optimizer)
    for _ in range(iterations):
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return optimizer, schedulers


@pytest.mark.parametrize('paramwise', [None, dict(norm_decay_mult=0.), dict(
    custom_keys={'0': dict(lr_mult=0.1), '2.bias': dict(lr_mult=20., decay_mult=0.)})])
@pytest.mark.parametrize('configs', [
    [dict(type='PolyLR', eta_min=1e-4, power=0.9, end=17)],
    [WARM, dict(type='PolyLR', eta_min=0., power=0.9, begin=4, end=23)],
    [WARM, dict(type='CosineAnnealingLR', eta_min=1e-3, begin=4, end=19)],
    [WARM, dict(type='MultiStepLR', milestones=[6, 9], gamma=0.1, end=30)],
    [dict(type='ExponentialLR', gamma=0.9)],
    [],
])
def test_a_replay_arrives_where_a_training_does(configs, paramwise):
    rng = np.random.default_rng(len(configs))
    done, more = int(rng.integers(3, 12)), int(rng.integers(1, 12))
    # a training under another schedule, whose state is replaced
    other, _ = trained([dict(type='PolyLR', end=done + 1)], done, paramwise)
    # made for the replay: an optimizer of the config as it is before the first iteration
    schedulers = built(configs, wrapper_of(paramwise))
    groups, states = replay(schedulers, other.param_groups, done + more)
    expected, steps = trained(configs, done + more, paramwise)
    assert [group['lr'] for group in groups] == [group['lr'] for group in expected.param_groups]
    assert all(scheduler._global_step == 0 for scheduler in schedulers)  # they stay as they are
    for state, scheduler in zip(states, steps, strict=True):
        assert state['last_step'] == scheduler.last_step
        assert state['_last_value'] == scheduler._last_value
        assert state['base_values'] == scheduler.base_values
        assert state['_global_step'] == scheduler._global_step


def test_changes_are_named():
    optimizer = wrapper_of()
    configs = [WARM, dict(type='PolyLR', begin=4, end=9)]
    old = [one.state_dict() for one in built(configs, optimizer)]
    same = built(configs, wrapper_of())
    assert changes_of(same, old) == ''
    longer = built([WARM, dict(type='PolyLR', power=2., begin=4, end=12)], wrapper_of())
    assert changes_of(longer, old) == ('param_scheduler.1: power=2.0 instead of 1.0, '
                                       'end=12 instead of 9')
    assert changes_of(longer[:1], old) == 'its schedulers are others'


def test_scores_and_epochs_cannot_be_replayed():
    assert can_replay(built([WARM], wrapper_of()))
    assert not can_replay(built([dict(type='StepLR', step_size=2, by_epoch=True)], wrapper_of()))
    assert not can_replay(built([dict(type='ReduceOnPlateauLR', by_epoch=True)], wrapper_of()))


@pytest.mark.parametrize(('configs', 'said'), [
    ([dict(type='PolyLR', eta_min=0., end=6)],
     'the schedule of the learning rate ends at iteration 6 (param_scheduler.0.end=6) and the '
     'training at 12 (train_cfg.max_iters): in the last 6 iterations the rate stays at 0; set '
     'param_scheduler.0.end=12'),
    ([WARM, dict(type='PolyLR', eta_min=1e-4, begin=4, end=11)], 'set param_scheduler.1.end=12'),
    ([dict(type='CosineAnnealingLR', eta_min=1e-3, T_max=5)],
     'in the last 7 iterations the rate rises again; set param_scheduler.0.T_max=12'),
    ([dict(type='MultiStepLR', milestones=[4], end=8)],
     'set param_scheduler.0.end=12 and later param_scheduler.0.milestones'),
    ([dict(type='PolyLR', end=12)], None),
    # a shorter trial of a long schedule is no mistake
    ([dict(type='PolyLR', end=50)], None),
    # the rate is meant to stay after a warm-up, and after a constant part
    ([WARM], None),
    ([dict(type='PolyLR', end=6), dict(type='ConstantLR', factor=1., begin=6, end=9)], None),
    ([dict(type='MultiStepLR', milestones=[4])], None),
    ([], None),
])
def test_a_schedule_that_ends_before_the_training(configs, said):
    text = early_end(built(configs, wrapper_of()), 12)
    assert text is None if said is None else said in text


def test_a_single_schedule_has_no_number():
    text = early_end(built([dict(type='PolyLR', end=6)], wrapper_of()), 9, listed=False)
    assert text.endswith('set param_scheduler.end=9')


@pytest.mark.parametrize('path', sorted((ROOT / 'configs').glob('*.py')), ids=lambda p: p.stem)
def test_schedules_of_the_configs_last(path):
    cfg = Config.fromfile(path, import_custom_modules=False)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.)
    schedulers = built(cfg.get('param_scheduler') or [], optimizer)
    assert early_end(schedulers, cfg.train_cfg.max_iters) is None
