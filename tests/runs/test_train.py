"""Trainings by the library: what they return, when they end, and mistakes before they begin."""
import re
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config

from plugin import runs
from plugin.runs import TrainingInterrupted
from plugin.runs.train import follow_score
from plugin.utils import UserError
from tests.helpers.forked import call
from tests.helpers.tiny import write_project


@pytest.fixture
def project(trained, tmp_path, monkeypatch):
    """The small project without its work directory, in which the test runs."""
    folder = tmp_path / 'project'
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns('work_dirs'))
    monkeypatch.chdir(folder)
    return folder


def test_a_training_returns_scores_and_checkpoints(trained, project):
    done = call('plugin.runs:train', project, 'tiny.py', work_dir='out é',
                options=['train_cfg.max_iters=5'])
    assert done.iterations == 5 and done.stopped_early == ''
    assert done.work_dir == project / 'out é'
    assert done.last_checkpoint == project / 'out é/iter_5.pth'
    assert done.best_checkpoint.is_file() and done.best_checkpoint.name.startswith('best_mIoU_')
    assert {'mIoU', 'mAcc', 'PA'} <= done.scores.keys() and 'time' not in done.scores
    printed = (project / '.printed_call.out').read_text('utf-8')
    assert f'mIoU {done.scores["mIoU"]:.4g}' in printed
    again = call('plugin.runs:train', project, 'tiny.py', work_dir='out é', resume=True)
    assert again.iterations == 9
    # it ended where one that was not interrupted did
    assert f'mIoU {again.scores["mIoU"]:.4g}' in trained.result.out


def test_end_of_a_training_names_scores_and_files(trained):
    out = trained.result.out
    assert 'trained 9 iterations' in out
    assert 'mIoU ' in out
    assert f'last checkpoint  {trained.checkpoint}' in out
    assert 'best checkpoint  ' in out


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(config='tyny.py'), 'config tyny.py does not exist; did you mean tiny.py?'),
    (dict(config='broken.py'), 'broken.py cannot be read as a config: SyntaxError'),
    (dict(resume='iter_3.pth'), 'checkpoint iter_3.pth does not exist, and there is none beside'),
    (dict(work_dir='tiny.py'), 'the work directory tiny.py is a file; give another one'),
    (dict(options=['train_dataloader.dataset.data_root=nowhere']), 'nowhere'),
    (dict(early_stop='mIoU', options=['val_dataloader=None', 'val_cfg=None']),
     '--early-stop mIoU follows a score of the validation, but the config has none'),
])
def test_mistakes_are_said_before_the_first_iteration(project, settings, message):
    (project / 'broken.py').write_text('model = dict(\n')
    with pytest.raises((UserError, OSError)) as error:
        runs.train(**{**dict(config='tiny.py'), **settings})
    assert message in str(error.value)
    assert not list(project.rglob('*.pth'))


def test_ctrl_c_tells_how_far_it_came(project):
    (project / 'stopped.py').write_text(
        "_base_ = './tiny.py'\ncustom_hooks = [dict(type='StopHook', iteration=3)]\n")
    with pytest.raises(TrainingInterrupted) as stop:
        runs.train('stopped.py')
    assert stop.value.iterations == 3 and str(stop.value) == 'after 3 iterations'
    assert (project / 'work_dirs/stopped/iter_2.pth').is_file()


@pytest.mark.parametrize(('early_stop', 'patience'), [('loss', 5), (('loss', 3), 3)])
def test_early_stop_sets_hooks_of_the_config(early_stop, patience):
    cfg = Config(dict(val_dataloader=dict(a=1), val_cfg=dict(type='ValLoop'), default_hooks=dict(
        early_stopping=dict(type='EarlyStoppingHook', monitor='mIoU', min_delta=0.5))))
    follow_score(cfg, early_stop)
    assert cfg.default_hooks.early_stopping == dict(
        type='ResumableEarlyStoppingHook', monitor='loss', patience=patience, min_delta=0.5)
    # there is nothing to follow without it
    assert cfg.default_hooks.val_loss.type == 'ValidationLossHook'


@pytest.fixture(scope='module')
def stopped(tmp_path_factory):
    """A training whose validation loss never gets better by 100."""
    folder = tmp_path_factory.mktemp('stopped') / 'früh'
    folder.mkdir()
    write_project(folder, more="""
train_cfg.update(val_interval=1, max_iters=7)
optim_wrapper['optimizer'].update(lr=0.0)
param_scheduler = []
""")
    settings = dict(loggers=['tensorboard'], options=[
        'log_level=INFO', 'default_hooks.early_stopping.min_delta=100'])
    done = call('plugin.runs:train', folder, 'tiny.py', early_stop=('loss', 2), **settings)
    return folder, settings, done


def test_end_says_when_and_why(stopped):
    folder, _, done = stopped
    reason = (r'at iteration 3, because loss has not been better than [\d.]+ by 100 in 2 '
              r'validations')
    assert done.iterations == 3 and re.fullmatch(reason, done.stopped_early)
    out = (folder / '.printed_call.out').read_text('utf-8')
    assert re.search(f'trained 3 iterations; stopped early {reason}', out)
    # plain lines: this is no terminal
    assert 'Iter(train) [3/7]' in out and 'images/s' not in out
    assert '\x1b[2K' not in out
    assert re.search(r'Iter\(val\) \[5/5\] .*  loss: \d', out)
    assert done.last_checkpoint == folder / 'work_dirs/tiny/iter_3.pth'


def test_resumed_it_stays_stopped_and_goes_on_with_more_patience(stopped, tmp_path):
    folder, settings, _ = stopped
    other = tmp_path / 'kopie'
    shutil.copytree(folder, other)
    again = call('plugin.runs:train', other, 'tiny.py', early_stop=('loss', 2), resume='auto',
                 **settings)
    out = (other / '.printed_call.out').read_text('utf-8')
    assert 'this training was stopped early: at iteration 3, because loss' in out
    assert again.iterations == 3 and again.stopped_early.startswith('at iteration 3')
    assert 'Iter(train)' not in out and 'Iter(val)' not in out
    more = call('plugin.runs:train', other, 'tiny.py', early_stop=('loss', 3), resume=True,
                **settings)
    assert more.iterations == 4 and more.stopped_early.startswith('at iteration 4')


def test_event_files_tell_training_and_validation_apart(stopped):
    accumulator = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator',
        reason="needs pip install -e '.[trackers]'")
    folder, _, _ = stopped
    events = accumulator.EventAccumulator(str(folder / 'work_dirs/tiny/tensorboard'))
    events.Reload()
    tags = events.Tags()['scalars']
    assert {'train/loss', 'train/lr', 'val/loss', 'val/decode.loss_ce', 'val/mIoU'} <= set(tags)
    assert all(tag.startswith(('train/', 'val/')) for tag in tags)
    assert [event.step for event in events.Scalars('val/loss')] == [1, 2, 3]
    assert not Path(folder / 'work_dirs/tiny/wandb').exists()
