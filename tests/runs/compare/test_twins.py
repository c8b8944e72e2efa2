"""Teachers, students and averages told apart, and the supervised training that a method adds to."""
import pytest
from mmengine.config import Config
from mmengine.registry import HOOKS

from plugin.runs.compare.configs import evaluation_config, run_config
from plugin.runs.compare.twins import (
    Average,
    average_of,
    is_averaged,
    is_semi,
    networks_of,
    supervised_twin,
)
from plugin.utils import UserError
from plugin.utils.config import load_config
from plugin.visualization.report.configs import differences, flatten

EMA = dict(type='EMAHook', ema_type='TeacherAverage', decay=0.99, begin_iter=1)


@pytest.mark.parametrize('name', ['mean-teacher', 'u2pl', 'cutmix-seg', 'unimatch'])
def test_the_twin_is_the_supervised_config(name):
    cfg = load_config(f'{name}_mnv2_animals7')
    # as a list of hooks, too, of which two are taken out
    cfg.custom_hooks = [dict(EMA), cfg.default_hooks.pop('method'), dict(type='IterTimerHook')]
    before = cfg.to_dict()
    twin = supervised_twin(cfg)
    assert cfg.to_dict() == before
    assert twin.pop('custom_hooks') == [dict(type='IterTimerHook')]
    supervised = load_config('suponly_mnv2_animals7')
    assert differences([flatten(twin), flatten(supervised)]) == []
    assert is_semi(cfg) and not is_semi(twin)


def test_averages_of_methods():
    cfg = load_config('u2pl_mnv2_animals7')
    assert average_of(cfg, 22) == Average(0.99, 201)
    assert average_of(cfg, 22).name == 'average 0.99 after 200'
    cfg.default_hooks.method.update(warmup=0)
    assert average_of(cfg, 22).name == 'average 0.99'
    # 22 images three times, 8 a step, are 9 iterations; the next update is that of the 12th
    cfg.default_hooks.method.update(warmup_epochs=3, decay=0.9)
    cfg.optim_wrapper.accumulative_counts = 4
    assert average_of(cfg, 22) == Average(0.9, 12, 4)


def test_averages_of_what_has_no_teacher():
    cfg = load_config('unimatch_mnv2_animals7')
    assert average_of(cfg, 22) is None and not is_averaged(cfg, '')
    cfg.default_hooks.average = dict(EMA)
    assert average_of(cfg, 22) == Average(0.99) and is_averaged(cfg, '')
    cfg.default_hooks.average.pop('begin_iter')
    assert average_of(cfg, 22) == Average(0.99)
    # the supervised training averages as a teacher does, and not in another way
    cfg.default_hooks.average.ema_type = 'ExponentialMovingAverage'
    assert average_of(cfg, 22) is None and is_averaged(cfg, '')
    supervised = load_config('suponly_mnv2_animals7')
    supervised.default_hooks.average = dict(EMA)
    assert average_of(supervised, 22) is None


def test_configs_that_keep_averages_and_predict_with_one():
    cfg = load_config('suponly_mnv2_animals7')
    averages = (Average(0.99), Average(0.996, 12, 4))
    hook = run_config(cfg, 0.1, 0, averages=averages).default_hooks.averages
    assert hook.to_dict() == dict(type='AveragesHook', averages={
        'average 0.99': dict(ema_type='TeacherAverage', decay=0.99, begin_iter=1, interval=1),
        'average 0.996 after 8': dict(ema_type='TeacherAverage', decay=0.996, begin_iter=12,
                                      interval=4)})
    HOOKS.build(hook)
    assert 'averages' not in run_config(cfg, 0.1, 0).default_hooks
    test = evaluation_config(cfg, 'val', averages[1].name)
    assert test.default_hooks.averages == dict(type='AveragesHook',
                                               predict_on='average 0.996 after 8')
    assert 'predict_on' not in test.model


@pytest.mark.parametrize(('name', 'networks'), [
    ('mean-teacher_mnv2_animals7', ('teacher', 'student')), ('u2pl_barn', ('teacher', 'student')),
    ('cps_mnv2_animals7', ('', )), ('suponly_mnv2_animals7', ('', )),
    ('mask-rcnn_mnv2_barn', ('', ))])
def test_networks_that_are_told_apart(name, networks):
    assert networks_of(load_config(name)) == networks


def test_the_network_that_predicts_comes_first():
    cfg = load_config('mean-teacher_mnv2_animals7')
    cfg.model.predict_on = 'student'
    assert networks_of(cfg) == ('student', 'teacher')
    assert not is_averaged(cfg, 'student') and is_averaged(cfg, 'teacher')


@pytest.mark.parametrize('base, expected', [(16, 8), (15, 7.5)])
def test_the_twin_keeps_a_rate_that_is_scaled_to_the_batch(base, expected):
    """Of the 16 images of a step it has the 8 labelled ones."""
    cfg = load_config('u2pl_mnv2_animals7')
    assert 'auto_scale_lr' not in supervised_twin(cfg)
    cfg.auto_scale_lr = dict(enable=True, base_batch_size=base)
    twin = supervised_twin(cfg)
    assert (cfg.train_dataloader.batch_size, twin.train_dataloader.batch_size) == (16, 8)
    assert twin.auto_scale_lr == dict(enable=True, base_batch_size=expected)
    assert cfg.auto_scale_lr.base_batch_size == base


def test_a_teacher_of_which_no_twin_can_be_made():
    cfg = load_config('mean-teacher_mnv2_animals7')
    cfg.default_hooks.pop('method')
    with pytest.raises(UserError, match='no SemiDataset or no hook with its decay: .*--no-twin'):
        average_of(cfg, 22)
    assert networks_of(Config(dict(model=dict(type='EncoderDecoder')))) == ('', )
