"""Trainings that go on under another config: what is taken over, and what is said."""
import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.forked import run_tool
from tests.helpers.tiny import write_project
from tests.helpers.trainings import load, printed_error


@pytest.fixture
def project(trained, tmp_path):
    """The small project with its training of 9 iterations."""
    folder = tmp_path / 'project'
    shutil.copytree(trained.folder, folder)
    return folder


def resumed(folder, *options, config='tiny.py', checkpoint='iter_9.pth'):
    """Go on; returns how it ended, the warnings, and the rate of each iteration."""
    # within a second both trainings write into the same file
    before = {path: path.stat().st_size for path in folder.rglob('scalars.json')}
    result = run_tool('train', [config, '--resume', f'work_dirs/tiny/{checkpoint}', '--work-dir',
                                'work_dirs/tiny', '--cfg-options', *options], folder)
    rates = {}
    for path in folder.rglob('scalars.json'):
        for line in path.read_text('utf-8')[before.get(path, 0):].splitlines():
            record = json.loads(line)
            if 'lr' in record:
                rates[record['iter']] = record['lr']
    said = [line.partition(' - WARNING - ')[2] for line in result.out.splitlines()
            if ' - WARNING - ' in line and 'Backend' not in line and 'FileClient' not in line]
    return result, said, rates


def poly(end, lr=0.1, least=1e-4, power=0.9):
    """The closed form of the rate of each iteration, counted from 1."""
    return {done + 1: least + (lr - least) * (1 - done / (end - 1)) ** power
            for done in range(end)}


def rates_from(schedule, first):
    return pytest.approx({step: rate for step, rate in schedule.items() if step >= first},
                         rel=1e-9, abs=1e-12)


def test_a_longer_schedule_goes_on_as_if_it_had_been_that_from_the_start(project):
    result, said, rates = resumed(project, 'train_cfg.max_iters=14', 'param_scheduler.0.end=14')
    assert result.status == 0, result.err
    assert rates == rates_from(poly(14), 10)
    assert said == ['the schedule of the config replaces that of iter_9.pth (param_scheduler.0: '
                    'end=14 instead of 9), as if the training had begun with it: the learning '
                    f'rate goes on at {poly(14)[10]:.4g}']


def test_without_a_longer_schedule_that_is_said(project):
    result, said, rates = resumed(project, 'train_cfg.max_iters=11')
    assert result.status == 0, result.err
    assert rates == pytest.approx({10: 1e-4, 11: 1e-4})
    assert said == ['the schedule of the learning rate ends at iteration 9 '
                    '(param_scheduler.0.end=9) and the training at 11 (train_cfg.max_iters): in '
                    'the last 2 iterations the rate stays at 0.0001; set param_scheduler.0.end=11']


def test_what_the_checkpoint_replaces_is_said(project):
    result, said, rates = resumed(
        project, 'train_cfg.max_iters=12', 'param_scheduler.0.end=12',
        'optim_wrapper.optimizer.lr=0.02', 'optim_wrapper.optimizer.weight_decay=0.01',
        'train_dataloader.batch_size=2')
    assert result.status == 0, result.err
    assert rates == rates_from(poly(12), 10)
    assert said[:2] == [
        'train_dataloader.batch_size=2 replaces 3 of iter_9.pth: the images of a step are others '
        'from here on, and the learning rate stays',
        'the training goes on with lr=0.1, weight_decay=0.001 of the optimizer in iter_9.pth, not '
        'with lr=0.02, weight_decay=0.01 of the config: to train with that start from its weights, '
        'with --cfg-options load_from=work_dirs/tiny/iter_9.pth and without --resume']


def test_another_optimizer_starts_with_the_settings_of_the_config(project):
    (project / 'adam.py').write_text("""_base_ = './tiny.py'
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=0.002))
param_scheduler = [dict(type='CosineAnnealingLR', eta_min=0.001, end=11, by_epoch=False)]
train_cfg = dict(max_iters=12)
""")
    result, said, rates = resumed(project, 'log_level=WARNING', config='adam.py')
    assert result.status == 0, result.err
    assert said[0] == ('the state of the optimizer in iter_9.pth is of SGD, and the config has '
                       'AdamW: AdamW starts without it, with the settings of the config')
    # the last value of a schedule that ends after 11 iterations stays
    assert rates[10] > rates[11] > 0.001 and rates[12] == pytest.approx(rates[11])
    state = load(project / 'work_dirs/tiny/iter_12.pth')['optimizer']['state']
    assert {int(one['step']) for one in state.values()} == {3}


def test_other_groups_of_parameters_start_anew(project):
    result, said, rates = resumed(
        project, 'train_cfg.max_iters=10',
        'optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult=0.5')
    assert result.status == 0, result.err
    assert said[0].startswith('the state of the optimizer in iter_9.pth divides the parameters in '
                              'another way (optim_wrapper.paramwise_cfg): SGD starts without it')
    assert set(rates) == {10}


def test_a_checkpoint_of_weights_alone_goes_on_where_its_schedule_was(project):
    best = next((project / 'work_dirs/tiny').glob('best_*.pth'))
    # the hub of the checkpoint belongs to it
    shutil.copy(best, project / 'work_dirs/tiny/weights.pth')
    done = int(best.stem.rpartition('_')[2])
    result, said, rates = resumed(project, 'train_cfg.max_iters=12', 'param_scheduler.0.end=12',
                                  checkpoint='weights.pth')
    assert result.status == 0, result.err
    assert said[0] == ('the state of the optimizer in weights.pth is missing: SGD starts without '
                       'it, with the settings of the config')
    assert rates == rates_from(poly(12), done + 1)


@pytest.mark.parametrize('iterations', [4, 9])
def test_nothing_to_do_is_said(project, iterations):
    kept = (project / 'work_dirs/tiny/iter_9.pth').read_bytes()
    result, said, rates = resumed(project, f'train_cfg.max_iters={iterations}')
    assert result.status == 0, result.err
    assert said == [f'the checkpoint has 9 iterations and train_cfg.max_iters={iterations}: there '
                    'is nothing to train; for a longer training set train_cfg.max_iters and the '
                    'end of the schedule (param_scheduler)']
    assert not rates
    assert (project / 'work_dirs/tiny/iter_9.pth').read_bytes() == kept


OTHER = """_base_ = './tiny.py'
meta = dict(classes=CLASSES, palette=[[90, 60, 30], [250, 240, 220], [0, 0, 0]])
model = dict(decode_head=dict(num_classes=NUMBER))
train_dataloader = dict(dataset=dict(metainfo=meta))
val_dataloader = dict(dataset=dict(metainfo=meta))
custom_hooks = [HOOK]
"""


@pytest.mark.parametrize('hook', ['', "dict(type='EMAHook')"])
def test_other_classes_are_one_sentence(project, hook):
    text = OTHER.replace('CLASSES', repr(('ground', 'cow', 'fence'))).replace('NUMBER', '3')
    (project / 'three.py').write_text(text.replace('HOOK', hook))
    result, _, _ = resumed(project, 'train_cfg.max_iters=12', config='three.py')
    assert result.status == 1
    assert 'Traceback' not in result.err + result.out
    assert printed_error(result) == (
        'error: iter_9.pth was trained for 2 classes, but the config has 3 '
        '(decode_head.conv_seg.weight); resume with that config, or start from its weights with '
        '--cfg-options load_from=work_dirs/tiny/iter_9.pth and without --resume.')


def test_as_many_classes_under_other_names_are_a_warning(project):
    text = OTHER.replace('CLASSES', repr(('cow', 'ground'))).replace('NUMBER', '2')
    (project / 'turned.py').write_text(text.replace('HOOK', '').replace(', [0, 0, 0]]', ']'))
    result, said, _ = resumed(project, 'train_cfg.max_iters=9', config='turned.py')
    assert result.status == 0, result.err
    assert any(line.startswith('iter_9.pth was trained for the classes ground, cow, and the config '
                               'has cow, ground: ') for line in said)


def test_weights_that_are_not_averaged_any_more(tmp_path):
    write_project(tmp_path)
    hook = ['default_hooks.ema.type=EMAHook', 'default_hooks.ema.momentum=0.5']
    done = run_tool('train', ['tiny.py', '--cfg-options', *hook], tmp_path)
    assert done.status == 0, done.err
    plain = run_tool('train', ['tiny.py', '--work-dir', 'plain'], tmp_path)
    assert plain.status == 0, plain.err
    result, said, _ = resumed(tmp_path, 'train_cfg.max_iters=11', 'param_scheduler.0.end=11')
    assert result.status == 0, result.err
    assert said[0] == ('iter_9.pth holds averaged weights (EMAHook), which the config does not '
                       'have: the training goes on from the weights that were not averaged')
    options = ['train_cfg.max_iters=11', 'param_scheduler.0.end=11']
    on = run_tool('train', ['tiny.py', '--work-dir', 'plain', '--resume', '--cfg-options',
                            *options], tmp_path)
    assert on.status == 0, on.err
    # the average does not act upon the training, so that both are the same
    one, other = (load(tmp_path / folder / 'iter_11.pth')['state_dict']
                  for folder in ('plain', 'work_dirs/tiny'))
    assert all(value.equal(other[name]) for name, value in one.items())


def test_the_config_in_a_checkpoint_is_not_run(project):
    import torch
    path = project / 'work_dirs/tiny/iter_9.pth'
    content = torch.load(path, weights_only=False)
    content['meta']['cfg'] = "open('marker', 'w').close()\ntrain_dataloader = dict()\n"
    torch.save(content, path)
    result, said, _ = resumed(project, 'train_cfg.max_iters=10', 'param_scheduler.0.end=10')
    assert result.status == 0, result.err
    assert 'end=10 instead of 9' in said[0]
    assert not (project / 'marker').exists()


def test_a_training_from_the_beginning_says_that_its_schedule_is_short(trained, tmp_path):
    folder = tmp_path / 'project'
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns('work_dirs'))
    result = run_tool('train', ['tiny.py', '--cfg-options', 'train_cfg.max_iters=11'], folder)
    assert result.status == 0, result.err
    text = ('the schedule of the learning rate ends at iteration 9 (param_scheduler.0.end=9) and '
            'the training at 11')
    assert text in result.out
    assert text not in trained.result.out
    assert Path(folder / 'work_dirs/tiny/iter_11.pth').is_file()
