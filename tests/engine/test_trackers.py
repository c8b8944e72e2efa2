"""Trackers: on this machine alone, and one run for a training that was resumed."""
import importlib.util
import math
import os

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

from plugin.engine import MLflowTracker, TensorboardTracker, WandbTracker, trackers

TRAINED = {'loss': 2.0, 'lr': 0.1, 'iter': 10, 'time': 0.5, 'words': 'not a number'}
VALIDATED = {'loss': 1.0, 'mIoU': 50.0}
NEEDS = "needs pip install -e '.[trackers]'"


@pytest.fixture
def config():
    return Config(dict(model=dict(type='X', width=3), train_cfg=dict(max_iters=5), other=[1]))


def follow(tracker, config, steps):
    tracker.add_config(config)
    for step in steps:
        tracker.add_scalars(dict(TRAINED, loss=100.0 + step, iter=step), step=step)
    tracker.add_scalars(VALIDATED, step=steps[-1], file_path='ignored.json')
    tracker.close()


def test_tensorboard_lets_the_resumed_run_replace_what_it_repeats(tmp_path, config):
    events = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator', reason=NEEDS)
    folder = tmp_path / 'läufe [1]'
    follow(TensorboardTracker(str(folder)), config, [10, 20, 30, 40])
    follow(TensorboardTracker(str(folder)), config, [30, 50])
    read = events.EventAccumulator(str(folder))
    read.Reload()
    assert set(read.Tags()['scalars']) == {'train/loss', 'train/lr', 'train/time', 'val/loss',
                                           'val/mIoU'}
    assert [(event.step, event.value) for event in read.Scalars('train/loss')] == [
        (10, 110.0), (20, 120.0), (30, 130.0), (50, 150.0)]
    assert [event.step for event in read.Scalars('val/mIoU')] == [50]


def test_mlflow_goes_on_with_its_run_in_a_folder(tmp_path, config, monkeypatch):
    # not imported here: what it must not send is settled before
    if importlib.util.find_spec('mlflow') is None:
        pytest.skip(NEEDS)
    # MMEngine looks at the newest log, which an earlier test may have left closed
    MMLogger.get_instance(str(tmp_path))
    for name in ('MLFLOW_TRACKING_URI', 'MLFLOW_DISABLE_TELEMETRY'):
        monkeypatch.delenv(name, raising=False)
    settings = dict(save_dir=str(tmp_path / 'mlflow'), run_name='kühe', exp_name='fcn8s_barn')
    follow(MLflowTracker(**settings), config, [10, 20])
    changed = Config(dict(config.to_dict(), train_cfg=dict(max_iters=9)))
    follow(MLflowTracker(**settings, resume=True), changed, [30])
    assert os.environ['MLFLOW_DISABLE_TELEMETRY'] == 'true'
    import mlflow
    client = mlflow.MlflowClient((tmp_path / 'mlflow').as_uri())
    experiment = client.get_experiment_by_name('fcn8s_barn')
    run, = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == 'kühe' and run.info.status == 'FINISHED'
    history = client.get_metric_history(run.info.run_id, 'train/loss')
    assert sorted((one.step, one.value) for one in history) == [(10, 110), (20, 120), (30, 130)]
    assert {one.step for one in client.get_metric_history(run.info.run_id, 'val/mIoU')} == {20, 30}
    # the parameters that it began with
    assert run.data.params['train_cfg.max_iters'] == '5'
    # a training that starts anew is another run
    follow(MLflowTracker(**settings), config, [10])
    assert len(client.search_runs([experiment.experiment_id])) == 2


def test_wandb_is_offline_and_keeps_its_id(tmp_path, config, monkeypatch):
    wandb = pytest.importorskip('wandb', reason=NEEDS)
    monkeypatch.delenv('WANDB_MODE', raising=False)
    monkeypatch.setenv('WANDB_SILENT', 'true')
    made = []
    real = wandb.init

    def init(**kwargs):
        made.append(kwargs)
        return real(**kwargs)

    monkeypatch.setattr(wandb, 'init', init)
    settings = dict(save_dir=str(tmp_path), run_name='barn', project='fcn8s_barn')
    tracker = WandbTracker(**settings)
    tracker.add_config(config)
    assert tracker.experiment.run.settings._offline
    tracker.add_scalars(TRAINED, step=10)
    tracker.add_scalars(VALIDATED, step=10)
    summary = dict(tracker.experiment.run.summary)
    assert summary['train/loss'] == 2.0 and summary['val/loss'] == 1.0
    assert not math.isnan(summary['val/mIoU']) and 'words' not in summary
    tracker.close()
    assert len(list(tmp_path.glob('wandb/offline-run-*/run-*.wandb'))) == 1
    # what follows needs no second process of wandb
    monkeypatch.setattr(wandb, 'init', lambda **kwargs: made.append(kwargs))
    WandbTracker(**settings, resume=True)._init_env()
    WandbTracker(**settings)._init_env()
    first, again, other = made
    assert first['mode'] == 'offline' and first['dir'] == str(tmp_path)
    assert first['id'] == again['id'] != other['id']


def test_trackers_are_added_to_what_the_config_writes(tmp_path):
    cfg = Config(dict(work_dir=str(tmp_path / 'läufe'), resume=True, visualizer=dict(
        type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])))
    trackers.add_trackers(cfg, ['tensorboard', 'tensorboard'])
    first, second = cfg.visualizer.vis_backends
    assert first.type == 'LocalVisBackend'
    assert second == dict(type='TensorboardTracker', save_dir=str(tmp_path / 'läufe/tensorboard'))
    # as a dumped config has it
    trackers.add_trackers(cfg, ['tensorboard'])
    assert len(cfg.visualizer.vis_backends) == 2
    plain = Config(dict(work_dir='x', resume=False))
    trackers.add_trackers(plain, [])
    assert 'visualizer' not in plain


def test_missing_package_is_named_with_its_cure(monkeypatch):
    monkeypatch.setattr(trackers.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r"Failed to import wandb, which --logger wandb needs: "
                                          r"install it by pip install -e '\.\[trackers\]'"):
        trackers.add_trackers(Config(dict(work_dir='x')), ['wandb'])
