"""Trainings made shorter or longer, with their schedules in proportion."""
import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS

from plugin.runs.compare.schedule import drop_warmup, log_often, set_steps, steps_of
from plugin.utils import UserError
from plugin.utils.config import load_config


def rates(cfg, wanted):
    """The learning rate of some iterations, by the built schedulers."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.)
    wrapper = OptimWrapper(optimizer)
    built = [PARAM_SCHEDULERS.build(copy.deepcopy(one), default_args=dict(optimizer=wrapper))
             for one in cfg.param_scheduler]
    found = []
    for _ in range(max(wanted) + 1):
        found.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in built:
            scheduler.step()
    return [found[step] for step in wanted]


@pytest.mark.parametrize(('config', 'factor'), [
    ('fcn8s_mnv2_camvid', 0.25), ('mask-rcnn_mnv2_barn', 0.5), ('mask-rcnn_mnv2_barn', 2),
    ('mean-teacher_mnv2_animals7', 0.5), ('mask-rcnn_mnv2_pigs', 2)])
def test_schedules_are_scaled_in_proportion(config, factor):
    cfg = load_config(config)
    before, steps = rates(cfg, [0, steps_of(cfg) // 2, steps_of(cfg) - 1]), steps_of(cfg)
    changed = copy.deepcopy(cfg)
    set_steps(changed, int(factor * steps))
    assert steps_of(changed) == factor * steps
    assert changed.train_cfg.val_interval == factor * cfg.train_cfg.val_interval
    for name, key in (('checkpoint', 'interval'), ('method', 'warmup')):
        hook = cfg.default_hooks.get(name)
        assert not hook or changed.default_hooks[name][key] == factor * hook[key]
    after = rates(changed, [0, steps_of(changed) // 2, steps_of(changed) - 1])
    assert after[:2] == pytest.approx(before[:2], rel=0.02)
    assert after[2] == pytest.approx(before[2], rel=0.2, abs=0.01)
    ends = [one.end for one in changed.param_scheduler]
    assert ends == [factor * one.end for one in cfg.param_scheduler]


def test_a_handful_of_steps():
    cfg = load_config('mask-rcnn_mnv2_barn')
    set_steps(cfg, 2)
    assert [(one.begin, one.end) for one in cfg.param_scheduler] == [(0, 1), (1, 2)]
    assert (cfg.train_cfg.val_interval, cfg.default_hooks.checkpoint.interval) == (1, 1)


def test_lists_of_steps_and_schedules_of_several_optimizers():
    cfg = Config(dict(train_cfg=dict(max_iters=100, val_interval=10), param_scheduler=dict(
        one=dict(type='MultiStepLR', milestones=[50, 75], by_epoch=False),
        two=[dict(type='ConstantLR', factor=0.5, end=10**9, by_epoch=False)])))
    set_steps(cfg, 200)
    assert cfg.param_scheduler.one.milestones == [100, 150]
    assert cfg.param_scheduler.two[0].end == 10**9  # without an end


@pytest.mark.parametrize('given', [dict(warmup=200), dict(warmup=0, warmup_epochs=2.5)])
def test_a_warm_up_that_is_dropped(given):
    cfg = load_config('u2pl_mnv2_animals7')
    cfg.default_hooks.method.update(given)
    before = dict(cfg.default_hooks.method, warmup=0)
    before.pop('warmup_epochs', None)
    drop_warmup(cfg)
    assert cfg.default_hooks.method == before
    plain = load_config('suponly_mnv2_animals7')
    text = plain.pretty_text
    drop_warmup(plain)
    assert plain.pretty_text == text


def test_what_counts_epochs_is_refused():
    cfg = Config(dict(train_cfg=dict(max_epochs=10)))
    with pytest.raises(UserError, match='the config has no train_cfg.max_iters: a comparison '
                                        'counts iterations'):
        steps_of(cfg)
    cfg = Config(dict(train_cfg=dict(max_iters=10), param_scheduler=dict(type='StepLR')))
    with pytest.raises(UserError, match='the schedule StepLR of the config counts epochs, which '
                                        '--steps cannot scale: set by_epoch=False'):
        set_steps(cfg, 20)


@pytest.mark.parametrize(('steps', 'interval', 'wanted'), [(30, 50, 1), (20000, 50, 50),
                                                           (800, 20, 8)])
def test_the_log_has_points_in_the_last_tenth(steps, interval, wanted):
    cfg = Config(dict(train_cfg=dict(max_iters=steps),
                      default_hooks=dict(logger=dict(type='LoggerHook', interval=interval))))
    log_often(cfg)
    assert cfg.default_hooks.logger.interval == wanted
