"""Trainings that stop before they write what cannot be used, and say what they do not learn."""
import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config

from plugin.engine.hooks import TrainingWatchHook
from plugin.evaluation import SegMetric
from plugin.utils import UserError
from tests.helpers.forked import run_tool, run_tools
from tests.helpers.paths import ROOT
from tests.helpers.ports import free_port
from tests.helpers.tiny import write_project
from tests.helpers.trainings import printed_error

WATCH = "\ndefault_hooks.update(watch=dict(type='TrainingWatchHook'))\n"
LOSS = "model['decode_head']['loss_decode'] = dict(type='TroubledLoss', {})\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where the stand-ins for a runner have their work directory."""
    monkeypatch.chdir(tmp_path)


def trained(folder, more, argv=()):
    write_project(folder, more=WATCH + more)
    return run_tool('train', ['tiny.py', *argv], folder)


def finite(path: Path) -> bool:
    state = torch.load(path, weights_only=False)['state_dict']
    return all(value.isfinite().all() for value in state.values())


@pytest.mark.parametrize('interval', [1, 50])
def test_a_loss_that_is_not_finite_stops_before_the_checkpoint(tmp_path, interval):
    first = int(np.random.default_rng(interval).integers(5, 9))
    result = trained(tmp_path, LOSS.format(f"first={first}, value=float('nan')"),
                     ['--cfg-options', f'default_hooks.logger.interval={interval}'])
    assert result.status == 1
    assert 'Traceback' not in result.err
    found = re.fullmatch(
        r'error: the loss is nan at iteration (\d+), on these images \((.+)\) with a learning rate '
        r'of (\S+); nothing was saved of it: start anew with a lower optim_wrapper\.optimizer\.lr, '
        r'or go on with --resume --cfg-options optim_wrapper\.clip_grad\.max_norm=1, and look at '
        r'these images and their labels\.', printed_error(result))
    assert found, result.err
    rate = 1e-4 + (0.1 - 1e-4) * (1 - (first - 1) / 8) ** 0.9
    assert int(found[1]) == first and float(found[3]) == pytest.approx(rate, rel=1e-3)
    # for programs that start trainings; without the full stop of the terminal
    note = (tmp_path / 'work_dirs/tiny/not_finite.txt').read_text('utf-8')
    assert f'error: {note}.' == printed_error(result)
    files = found[2].split(', ')
    assert len(files) == 3 and all((tmp_path / file).is_file() for file in files)
    kept = sorted((tmp_path / 'work_dirs/tiny').glob('*.pth'))
    assert f'iter_{(first - 1) // 2 * 2}.pth' in [path.name for path in kept]
    assert all(finite(path) for path in kept)


@pytest.mark.parametrize('name', ['backbone.norm1.running_var', 'decode_head.conv_seg.bias'])
@pytest.mark.parametrize('moment', ['checkpoint', 'validation'])
def test_weights_that_are_not_finite_are_not_saved(tmp_path, name, moment):
    # one iteration before a validation at 5 there is no checkpoint, and the loss shows nothing yet
    iteration, validate = (4, 9) if moment == 'checkpoint' else (5, 5)
    result = trained(tmp_path, f"""
default_hooks.update(spoil=dict(type='SpoilHook', name='{name}', iteration={iteration}))
train_cfg.update(val_interval={validate})
""")
    assert result.status == 1
    assert printed_error(result).startswith(f'error: {name} of the network is not finite any more')
    kept = sorted((tmp_path / 'work_dirs/tiny').glob('*.pth'))
    assert [path.name for path in kept] == [f'iter_{2 if iteration == 4 else 4}.pth']
    assert all(finite(path) for path in kept)


def test_every_process_stops_at_the_loss_of_one(tmp_path):
    write_project(tmp_path, more=WATCH + LOSS.format("first=3, value=float('inf'), rank=1"))
    port = free_port()
    envs = [dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_PORT=str(port),
                 MASTER_ADDR='127.0.0.1') for rank in range(2)]
    results = run_tools('train', ['tiny.py', '--launcher', 'pytorch'], tmp_path, envs)
    assert [result.status for result in results] == [1, 1]
    told = [printed_error(result).replace('process 1: ', '') for result in results]
    assert told[0] == told[1]
    assert told[0].startswith('error: the loss is inf at iteration 3, on these images (')
    assert not (tmp_path / 'work_dirs/tiny/iter_4.pth').exists()


def test_a_loss_of_exactly_zero_is_said_at_the_validation(tmp_path):
    result = trained(tmp_path, LOSS.format('first=1, value=0.0'))
    assert result.status == 0, result.err
    told = ('the loss was exactly 0 in the {} iterations before this validation, and nothing is '
            'learned from it: no pixel or instance of the labels counts, or all weights of the '
            'losses are 0; look at the labels with tools/check_data.py')
    assert [told.format(count) in result.out for count in (4, 1)] == [True, True]
    # MMEngine writes the same warning once, and two validations are after 4 iterations
    assert result.out.count('the loss was exactly 0') == 2


def test_a_single_loss_of_zero_is_none(tmp_path):
    result = trained(tmp_path, LOSS.format('first=4, value=0.0'))
    assert result.status == 0, result.err
    # the validations are at 4, 8 and 9; the first three iterations have a loss
    assert result.out.count('the loss was exactly 0') == 2
    assert 'in the 4 iterations' in result.out and 'in the 1 iterations' in result.out


def steps_with_a_scaler(losses, factors):
    """Train one weight as AmpOptimWrapper does; returns the hook's error, and after which step."""
    weight = torch.ones((), requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scaler = torch.amp.GradScaler('cpu', init_scale=2. ** 16)
    hook = TrainingWatchHook()
    run = SimpleNamespace(
        iter=0, max_iters=1000, hooks=[], optim_wrapper=SimpleNamespace(loss_scaler=scaler),
        work_dir='.',
        message_hub=SimpleNamespace(log_scalars={}), model=torch.nn.Linear(1, 1))
    for step, (loss, factor) in enumerate(zip(losses, factors, strict=True)):
        run.iter, value = step, weight * loss
        optimizer.zero_grad()
        scaler.scale(value * factor).backward()
        scaler.step(optimizer)
        scaler.update()
        try:
            hook.after_train_iter(run, 49 if step % 5 == 4 else 0, None, dict(loss=value))
        except UserError as error:
            return str(error), step + 1
    return None, len(losses)


def test_mixed_precision_may_leave_steps_out():
    inf = math.inf
    assert steps_with_a_scaler([1., inf, inf, 1., inf] * 6, [1.] * 30) == (None, 30)
    # gradients that are too large for the scale of the beginning, which then fits
    assert steps_with_a_scaler([1.] * 60, [1.] * 5 + [inf] * 16 + [1.] * 39) == (None, 60)


def test_mixed_precision_that_does_not_help_is_an_error():
    text, step = steps_with_a_scaler([1.] * 12 + [math.nan] * 20, [1.] * 32)
    assert text.startswith('the loss is nan at iteration 13 and 4 more in a row, which the scaling '
                           'of mixed precision does not help, on these images')
    assert 'train with --no-amp, start anew' in text
    assert step == 20  # the first look after five of them
    text, step = steps_with_a_scaler([1.] * 50, [1.] * 10 + [math.inf] * 40)
    assert text.startswith('the gradients are not finite (the loss is ') and step == 40


def test_a_step_of_the_hook_asks_the_device_for_nothing():
    hook = TrainingWatchHook()
    run = SimpleNamespace(iter=0, max_iters=9, hooks=[], optim_wrapper=SimpleNamespace(),
                          message_hub=SimpleNamespace(log_scalars={}))
    # tensors of this device have no values, so that reading one is an error
    loss = torch.zeros((), device='meta')
    hook.after_train_iter(run, 0, None, dict(loss=loss))
    with pytest.raises((RuntimeError, NotImplementedError)):
        hook.after_train_iter(run, 49, None, dict(loss=loss))


class Run(SimpleNamespace):
    """As much of a runner as the hook needs in a validation."""

    def __init__(self, matrix) -> None:
        metric = SegMetric()
        metric.dataset_meta = dict(classes=('ground', 'cow', 'fence'))
        metric.confusion_matrix = np.array(matrix)
        self.lines: list[str] = []
        super().__init__(
            val_loop=SimpleNamespace(evaluator=SimpleNamespace(metrics=[metric])),
            logger=SimpleNamespace(warning=self.lines.append), work_dir='.')


@pytest.mark.parametrize(('matrix', 'name', 'present'), [
    ([[0, 9, 0], [0, 3, 0], [0, 0, 0]], 'cow', 2),
    ([[9, 0, 0], [3, 0, 0], [1, 0, 0]], 'ground', 3),
    ([[9, 0, 0], [3, 0, 0], [0, 0, 1]], None, 0),
    # where the truth has one class, it is right to predict that one
    ([[9, 0, 0], [0, 0, 0], [0, 0, 0]], None, 0),
    ([[0, 0, 0], [0, 0, 0], [0, 0, 0]], None, 0),
])
def test_one_class_everywhere_is_said(matrix, name, present):
    run, hook = Run(matrix), TrainingWatchHook()
    hook.after_val_epoch(run, {})
    assert not run.lines  # a validation on its own
    hook.before_train(run)
    hook.after_val_epoch(run, {})
    if name is None:
        assert not run.lines
    else:
        assert run.lines[0].startswith(
            f'{name} is predicted at every pixel of this validation, whose labels have {present} '
            'classes: if that stays so, look at the labels with tools/check_data.py')


def test_the_average_of_the_weights_is_looked_at_as_well():
    hook = TrainingWatchHook()
    run = SimpleNamespace(iter=4, message_hub=SimpleNamespace(log_scalars={}), work_dir='.',
                          optim_wrapper=SimpleNamespace())
    good = dict(state_dict=dict(a=torch.ones(2)), ema_state_dict=dict(a=torch.ones(2)))
    hook.before_save_checkpoint(run, good)
    for part in good:
        with pytest.raises(UserError, match='a of the network is not finite any more at iter'):
            hook.before_save_checkpoint(run, {**good, part: dict(a=torch.tensor([torch.nan]))})
    note = Path('not_finite.txt')
    assert note.read_text('utf-8').startswith('a of the network is not finite any more at iter')
    hook.before_train(run)
    assert not note.exists()


@pytest.mark.parametrize('name', ['fcn8s_barn', 'mask-rcnn_mnv2_barn', 'u2pl_r18_barn'])
def test_the_configs_watch(name):
    path = ROOT / f'configs/{name}.py'
    path = path if path.is_file() else sorted((ROOT / 'configs').glob(f'{name.split("_")[0]}*'))[0]
    cfg = Config.fromfile(path, import_custom_modules=False)
    assert cfg.default_hooks.watch.type == 'TrainingWatchHook'
