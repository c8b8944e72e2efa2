"""The line in the terminal that shows where a training is."""
import io
import logging
import sys
from types import SimpleNamespace

import pytest
from mmengine.hooks import CheckpointHook
from mmengine.logging import HistoryBuffer
from rich.console import Console

from plugin.engine.hooks import LiveLineHook, live_line


@pytest.fixture
def screen(monkeypatch):
    """A terminal of 120 characters, drawn on at every step."""
    monkeypatch.setattr(live_line, 'EVERY', 0.)
    file = io.StringIO()
    return Console(file=file, force_terminal=True, width=120, color_system=None, _environ={})


def make_runner(console, iteration=0):
    logger = logging.Logger('live')
    logger.addHandler(logging.StreamHandler(console.file))
    best = CheckpointHook(by_epoch=False, save_best='mIoU')
    loader = SimpleNamespace(batch_size=4, batch_sampler=None)
    return SimpleNamespace(
        iter=iteration, max_iters=200, world_size=2, hooks=[best], logger=logger,
        train_dataloader=loader, val_dataloader=range(9),
        message_hub=SimpleNamespace(log_scalars={
            'train/loss': HistoryBuffer([3.0, 1.0], [1, 1]),
            'train/time': HistoryBuffer([0.5, 0.5], [1, 1])}))


def lines_of(console):
    """What was ever drawn, without the codes that move the cursor."""
    return console.file.getvalue().replace('\x1b[2K', '').replace('\r', '\n').split('\n')


def test_line_shows_iteration_loss_scores_speed_and_time_left(screen):
    runner, hook = make_runner(screen, 99), LiveLineHook(screen)
    hook.before_train(runner)
    hook.after_train_iter(runner, 99)
    # half of the bar; 8 images in half a second; 100 steps are left
    assert '████████░░░░░░░░  100/200  loss 2  16 images/s  0:00:50 left' in lines_of(screen)
    hook.after_val_iter(runner, 2)
    assert any('validation 3/9  loss 2' in line for line in lines_of(screen))
    hook.after_val_epoch(runner, {'loss': 0.51239, 'mIoU': 61.237, 'mAcc': 70.0})
    hook.after_train_iter(runner, 100)
    last = [line for line in lines_of(screen) if 'images/s' in line][-1]
    assert 'loss 2  val loss 0.5124  mIoU 61.24  16 images/s' in last
    assert 'mAcc' not in last and 'validation' not in last
    hook.stop()


def test_log_stands_above_the_line_and_the_terminal_is_given_back(screen):
    runner, hook, out = make_runner(screen), LiveLineHook(screen), sys.stdout
    handler, = runner.logger.handlers
    hook.before_train(runner)
    assert sys.stdout is not out
    runner.logger.warning('a line of the log')
    print('and one that is printed')
    hook.after_train(runner)
    hook.stop()  # once more does no harm
    assert (sys.stdout, handler.stream) == (out, screen.file)
    shown = lines_of(screen)
    assert shown.index('a line of the log') < shown.index('and one that is printed')
    # the line is drawn anew below each of them, and gone at the end
    assert screen.file.getvalue().endswith('\x1b[2K')
    assert '\x1b[?25h' in screen.file.getvalue()  # the cursor is back


def test_narrow_terminal_cuts_the_end(screen):
    screen.width = 30
    runner, hook = make_runner(screen, 9), LiveLineHook(screen)
    hook.before_train(runner)
    hook.after_train_iter(runner, 9)
    hook.stop()
    drawn = [line for line in lines_of(screen) if '10/200' in line]
    assert drawn[-1].endswith('…') and len(drawn[-1]) == 30


def test_line_is_not_drawn_more_often_than_it_can_be_read(screen, monkeypatch):
    monkeypatch.setattr(live_line, 'EVERY', 3600.)
    runner, hook = make_runner(screen), LiveLineHook(screen)
    hook.before_train(runner)
    for iteration in range(20):
        runner.iter = iteration
        hook.after_train_iter(runner, iteration)
    hook.stop()
    assert not any(f'{iteration}/200' in line for line in lines_of(screen)
                   for iteration in range(1, 21))


@pytest.mark.parametrize('environment', [dict(force_terminal=False), dict(
    force_terminal=True, _environ=dict(TERM='dumb'))])
def test_nothing_is_drawn_into_a_file_or_a_terminal_that_cannot(environment):
    console = Console(file=io.StringIO(), **environment)
    runner, hook, out = make_runner(console), LiveLineHook(console), sys.stdout
    hook.before_train(runner)
    hook.after_train_iter(runner, 0)
    hook.after_val_iter(runner, 0)
    hook.after_val_epoch(runner, {'loss': 1.0})
    hook.after_train(runner)
    assert console.file.getvalue() == '' and sys.stdout is out


def test_other_processes_draw_nothing(screen, monkeypatch):
    monkeypatch.setattr(live_line, 'is_main_process', lambda: False)
    hook = LiveLineHook(screen)
    hook.before_train(make_runner(screen))
    assert screen.file.getvalue() == ''


def test_batches_of_a_batch_sampler_are_counted():
    sampler = SimpleNamespace(batch_size=6)
    loader = SimpleNamespace(batch_size=None, batch_sampler=sampler)
    runner = SimpleNamespace(train_dataloader=loader, world_size=1)
    assert live_line.images_a_step(runner) == 6
