"""Configs of runs: of the training, of its tests, and as files."""
import pytest
from mmengine.config import Config

from plugin.runs.compare.configs import config_text, evaluation_config, run_config
from plugin.utils import UserError
from plugin.utils.config import load_config


@pytest.mark.parametrize('name', ['u2pl_mnv2_animals7', 'deeplabv1-crf_voc'])
def test_a_file_says_what_the_config_says(tmp_path, name):
    cfg = load_config(name)
    (tmp_path / 'run.py').write_text(config_text(cfg), encoding='utf-8')
    assert Config.fromfile(tmp_path / 'run.py')._cfg_dict.to_dict() == cfg._cfg_dict.to_dict()


def test_what_is_no_plain_value_is_refused():
    with pytest.raises(UserError, match='hook of the config holds more than plain values'):
        config_text(Config(dict(hook=dict(when=test_what_is_no_plain_value_is_refused))))


def test_seed_rate_and_weights_of_a_run():
    cfg = load_config('fcn8s_mnv2_camvid')
    run = run_config(cfg, 0.003, 4, 'weights/s{seed}.pth')
    assert run.randomness == dict(seed=4) and run.optim_wrapper.optimizer.lr == 0.003
    assert run.load_from.endswith('/weights/s4.pth')
    assert (cfg.randomness, cfg.optim_wrapper.optimizer.lr, cfg.load_from) == (
        dict(seed=0), 0.05, None)


def test_val_is_tested_as_it_is_validated():
    cfg = load_config('mean-teacher_mnv2_animals7')
    cfg.val_evaluator = dict(type='SegMetric', ignore_index=9)
    val = evaluation_config(cfg, 'val', 'student')
    assert val.test_dataloader == cfg.val_dataloader
    assert val.test_evaluator == [cfg.val_evaluator, dict(type='CalibrationMetric', ignore_index=9)]
    assert val.model.predict_on == 'student' and 'predict_on' not in cfg.model
    test = evaluation_config(cfg, 'test', '')
    assert test.test_dataloader == cfg.test_dataloader
    assert test.test_evaluator[-1] == dict(type='CalibrationMetric', ignore_index=255)


def test_instances_have_no_calibration():
    cfg = load_config('mask-rcnn_mnv2_barn')
    assert evaluation_config(cfg, 'val', '').test_evaluator == cfg.val_evaluator
