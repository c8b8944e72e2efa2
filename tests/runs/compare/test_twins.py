"""Teachers and students told apart, and the supervised training that is averaged like a teacher."""
import pytest
from mmengine.config import Config
from mmengine.registry import HOOKS

from plugin.runs.compare.twins import averaged_twin, is_semi, networks_of, without_average
from plugin.utils import UserError
from plugin.utils.config import load_config
from plugin.visualization.report.configs import differences, flatten


@pytest.mark.parametrize('name', ['mean-teacher', 'u2pl', 'cutmix-seg'])
def test_the_twin_is_the_supervised_config_with_an_average(name):
    cfg = load_config(f'{name}_mnv2_animals7')
    before = cfg.to_dict()
    twin = averaged_twin(cfg, 22)
    assert cfg.to_dict() == before
    supervised = load_config('suponly_mnv2_animals7')
    assert differences([flatten(without_average(twin)), flatten(supervised)]) == []
    hook = twin.default_hooks.average
    assert hook == dict(type='EMAHook', ema_type='TeacherAverage', decay=0.99, interval=1,
                        begin_iter=cfg.default_hooks.method.warmup + 1)
    HOOKS.build(hook)
    assert is_semi(cfg) and not is_semi(twin)


def test_a_warm_up_in_epochs_and_steps_of_several_batches():
    cfg = load_config('u2pl_mnv2_animals7')
    cfg.default_hooks.method.update(warmup=0, warmup_epochs=3, decay=0.9)
    cfg.optim_wrapper.accumulative_counts = 4
    hook = averaged_twin(cfg, 22).default_hooks.average
    # 22 images three times, 8 a step, are 9 iterations; the next update is that of the 12th
    assert (hook.begin_iter, hook.interval, hook.decay) == (12, 4, 0.9)


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


@pytest.mark.parametrize('base, expected', [(16, 8), (15, 7.5)])
def test_the_twin_keeps_a_rate_that_is_scaled_to_the_batch(base, expected):
    """Of the 16 images of a step it has the 8 labelled ones."""
    cfg = load_config('u2pl_mnv2_animals7')
    assert 'auto_scale_lr' not in averaged_twin(cfg, 22)
    cfg.auto_scale_lr = dict(enable=True, base_batch_size=base)
    twin = averaged_twin(cfg, 22)
    assert (cfg.train_dataloader.batch_size, twin.train_dataloader.batch_size) == (16, 8)
    assert twin.auto_scale_lr == dict(enable=True, base_batch_size=expected)
    assert cfg.auto_scale_lr.base_batch_size == base


def test_a_teacher_of_which_no_twin_can_be_made():
    cfg = load_config('mean-teacher_mnv2_animals7')
    cfg.default_hooks.pop('method')
    with pytest.raises(UserError, match='no SemiDataset or no hook with its decay: .*--no-twin'):
        averaged_twin(cfg, 22)
    assert networks_of(Config(dict(model=dict(type='EncoderDecoder')))) == ('', )
