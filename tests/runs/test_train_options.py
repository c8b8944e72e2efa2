"""train.py: ends early, follows in trackers, and a plain log where there is no terminal."""
import argparse
import re
import shutil
from pathlib import Path

import _train_options
import pytest
from mmengine.config import Config

from tests.helpers.forked import run_tool
from tests.helpers.tiny import write_project


def options(*words):
    parser = argparse.ArgumentParser()
    _train_options.add_options(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(('text', 'expected'), [
    ('loss', ('loss', 5)), ('loss:3', ('loss', 3)), ('coco/segm_mAP:12', ('coco/segm_mAP', 12))])
def test_score_and_patience(text, expected):
    assert options('--early-stop', text).early_stop == expected


@pytest.mark.parametrize('text', ['loss:', 'loss:0', 'loss:x', ':3', 'loss:-1'])
def test_patience_that_is_none(text, capsys):
    with pytest.raises(SystemExit):
        options(f'--early-stop={text}')
    assert f"'{text}' is not SCORE or SCORE:PATIENCE, such as loss:5" in capsys.readouterr().err


def test_options_set_hooks_of_the_config():
    cfg = Config(dict(val_dataloader=dict(a=1), val_cfg=dict(type='ValLoop'), default_hooks=dict(
        early_stopping=dict(type='EarlyStoppingHook', monitor='mIoU', min_delta=0.5))))
    _train_options.set_options(cfg, options('--early-stop', 'loss:3'))
    assert cfg.default_hooks.early_stopping == dict(
        type='ResumableEarlyStoppingHook', monitor='loss', patience=3, min_delta=0.5)
    # there is nothing to follow without it
    assert cfg.default_hooks.val_loss.type == 'ValidationLossHook'


def test_a_training_without_validation_has_no_score():
    with pytest.raises(ValueError, match='--early-stop mIoU follows a score of the valid'):
        _train_options.set_options(Config(dict(val_cfg=None)), options('--early-stop', 'mIoU'))


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
    argv = ['tiny.py', '--early-stop', 'loss:2', '--logger', 'tensorboard', '--cfg-options',
            'log_level=INFO', 'default_hooks.early_stopping.min_delta=100']
    return folder, argv, run_tool('train', argv, folder)


def test_end_says_when_and_why(stopped):
    folder, _, result = stopped
    assert result.status == 0, result.err
    assert re.search(r'trained 3 iterations; stopped early at iteration 3, because loss has not '
                     r'been better than [\d.]+ by 100 in 2 validations', result.out)
    # plain lines: this is no terminal
    assert 'Iter(train) [3/7]' in result.out and 'images/s' not in result.out
    assert '\x1b[2K' not in result.out
    assert re.search(r'Iter\(val\) \[5/5\] .*  loss: \d', result.out)
    assert (folder / 'work_dirs/tiny/iter_3.pth').is_file()


def test_resumed_it_stays_stopped_and_goes_on_with_more_patience(stopped, tmp_path):
    folder, argv, _ = stopped
    other = tmp_path / 'kopie'
    shutil.copytree(folder, other)
    again = run_tool('train', [*argv, '--resume'], other)
    assert again.status == 0, again.err
    assert 'this training was stopped early: at iteration 3, because loss' in again.out
    assert 'trained 3 iterations; stopped early at iteration 3' in again.out
    assert 'Iter(train)' not in again.out and 'Iter(val)' not in again.out
    argv = [word.replace('loss:2', 'loss:3') for word in argv]
    more = run_tool('train', [*argv, '--resume'], other)
    assert 'trained 4 iterations; stopped early at iteration 4' in more.out, more.err


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
