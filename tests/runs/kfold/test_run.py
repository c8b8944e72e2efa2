"""K-fold training: folds are trained once each, stopped and gone on with, and summed up."""
import contextlib
import csv
import fcntl
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from plugin import runs
from plugin.runs.kfold import run
from plugin.utils import UserError
from tests.helpers.forked import run_tool
from tests.helpers.paths import TOOLS
from tests.helpers.small_kfold import Trainer, pretend


def test_folds_are_trained_stopped_and_gone_on_with(project, monkeypatch, capsys):
    stop_at = ['fold1']

    def train(argv):
        if Path(argv[0]).stem in stop_at:
            raise KeyboardInterrupt
        result = run_tool('train', argv, project)
        assert result.status == 0, result.err
        return 0

    settings = dict(folds=2, arguments=['--no-check'], options=[
        'optim_wrapper.optimizer.lr=0.05', 'train_dataloader.dataset.img_suffix=.jpg',
        'val_dataloader.dataset.img_suffix=.jpg'])
    trainer = Trainer(monkeypatch, train)
    with pytest.raises(KeyboardInterrupt):
        runs.kfold('tiny.py', **settings)
    work_dir = project / 'work_dirs/tiny_kfold'
    assert trainer.folds() == ['fold0', 'fold1'] and not (work_dir / 'kfold.json').exists()
    before = (work_dir / 'folds/fold0_val.txt').read_text(encoding='utf-8')

    stop_at.clear()
    trainer.commands.clear()
    joint = runs.kfold('tiny.py', **settings)
    out = capsys.readouterr().out
    assert 'fold 0 of 0..1: 5 images to train on, 5 to validate; done before' in out
    assert trainer.folds() == ['fold1']
    assert trainer.commands[0][3:] == [
        '--work-dir', 'work_dirs/tiny_kfold/fold1', '--resume', 'auto', '--no-check',
        # what is in the config of the fold already would not fit a second time
        '--cfg-options', 'optim_wrapper.optimizer.lr=0.05']
    assert (work_dir / 'folds/fold0_val.txt').read_text(encoding='utf-8') == before
    check_results(work_dir, out, joint)
    folds = [Path('work_dirs/tiny_kfold/fold0'), Path('work_dirs/tiny_kfold/fold1')]
    assert trainer.reports == [(folds, Path('work_dirs/tiny_kfold/report.html'))]
    # every image is validated once, by the fold that was not trained on it
    lists = {name: (work_dir / f'folds/{name}.txt').read_text(encoding='utf-8').split()
             for name in ('fold0_train', 'fold0_val', 'fold1_train', 'fold1_val')}
    assert sorted(lists['fold0_val'] + lists['fold1_val']) == sorted(
        f'{path.parent.name}/{path.stem}' for path in (project / 'barn/images').glob('*/*.jpg'))
    assert lists['fold0_train'] == lists['fold1_val'] and lists['fold1_train'] == lists['fold0_val']

    # nothing is left to do, and other folds do not mix with these
    trainer.commands.clear()
    assert runs.kfold('tiny.py', **settings) == joint
    assert trainer.folds() == []


def check_results(work_dir, out, returned):
    """Compare what is written and returned with the scores of the folds, by NumPy."""
    scores = [json.loads((work_dir / f'fold{k}/scores.json').read_text()) for k in range(2)]
    joint = json.loads((work_dir / 'kfold.json').read_text(encoding='utf-8'))
    assert joint['iterations'] == [2, 2] and joint.keys() == returned.keys()
    assert returned['scores'] == joint['scores'] and returned['folds'] == joint['folds']
    for name, row in joint['scores'].items():
        values = [one['scores'][name] for one in scores]
        assert row['values'] == values
        assert row['mean'] == pytest.approx(np.mean(values))
        assert row['std'] == pytest.approx(np.std(values, ddof=1))
    assert len(joint['classes']) == 4
    for place, (name, rows) in enumerate(joint['classes'].items()):
        assert scores[0]['classes'][place]['class'] == name
        values = [one['classes'][place]['IoU'] for one in scores]
        known = [value for value in values if value is not None and not np.isnan(value)]
        assert rows['IoU']['n'] == len(known)
        if known:
            assert rows['IoU']['mean'] == pytest.approx(np.mean(known))
        assert name in out
    with (work_dir / 'kfold.csv').open(encoding='utf-8', newline='') as file:
        table = list(csv.reader(file))
    assert table[0] == ['class', 'score', 'mean', 'std', 'n', 'fold0', 'fold1']
    assert float(table[1][2]) == joint['scores'][table[1][1]]['mean']


def test_a_config_that_was_changed_in_memory(project, monkeypatch):
    trainer = Trainer(monkeypatch, pretend)
    cfg = Config.fromfile('tiny.py')
    cfg.optim_wrapper.optimizer.lr = 0.025
    runs.kfold(cfg, folds=2, report=False, options=['train_cfg.max_iters=7'])
    fold = Config.fromfile('work_dirs/tiny_kfold/folds/fold1.py')
    assert (fold.optim_wrapper.optimizer.lr, fold.train_cfg.max_iters) == (0.025, 7)
    assert '--cfg-options' not in trainer.commands[0]


def test_fold_that_fails_stops_the_rest(project, monkeypatch):
    trainer = Trainer(monkeypatch, lambda argv: 1)
    with pytest.raises(runs.FoldError, match='the training of fold 0 ended with status 1 .*fold0'):
        runs.kfold('tiny.py', folds=2)
    assert trainer.folds() == ['fold0']
    Trainer(monkeypatch, lambda argv: -9)
    with pytest.raises(runs.FoldError, match='the training of fold 0 ended with signal 9 '):
        runs.kfold('tiny.py', folds=2)
    Trainer(monkeypatch, lambda argv: 0)
    with pytest.raises(FileNotFoundError, match='fold0/scores.json does not exist: each fold must'):
        runs.kfold('tiny.py', folds=2)
    # Ctrl-C reaches the training first
    for status in (130, -2):
        Trainer(monkeypatch, lambda argv, status=status: status)
        with pytest.raises(KeyboardInterrupt):
            runs.kfold('tiny.py', folds=2)


def test_several_processes_a_training_and_one_kfold_at_a_time(project, monkeypatch):
    trainer = Trainer(monkeypatch, pretend)
    settings = dict(folds=2, processes=3, report=False)
    runs.kfold('tiny.py', **settings)
    command = trainer.commands[0]
    assert command[0] == str(TOOLS / 'dist_train.sh') and command[2] == '3'
    with (project / 'work_dirs/tiny_kfold/.lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UserError, match='is being worked on by another kfold.py'):
            runs.kfold('tiny.py', **settings)


def test_the_lock_follows_no_link_and_empties_no_file(project, monkeypatch):
    Trainer(monkeypatch, pretend)
    mine = project / 'notes.txt'
    mine.write_text('of the user')
    lock = project / 'work_dirs/tiny_kfold/.lock'
    lock.parent.mkdir(parents=True)
    lock.symlink_to(mine)
    with pytest.raises(UserError, match=r'tiny_kfold/\.lock is no plain file.*: remove it'):
        runs.kfold('tiny.py', folds=2, report=False)
    assert mine.read_text() == 'of the user'
    lock.unlink()
    lock.write_text('of the user')
    runs.kfold('tiny.py', folds=2, report=False)
    assert lock.read_text() == 'of the user'


@pytest.mark.parametrize(('name', 'cure'), [
    ('kfold_plan.json', 'remove it; the same command writes the same plan anew'),
    ('fold1/fold_done.json', 'remove it, and the same command goes on from the last checkpoint'),
    ('fold1/scores.json', 'remove work_dirs/tiny_kfold/fold1, and the same command trains')])
@pytest.mark.parametrize('content', [b'{"settings": {', b'\xff\0', b'[]',
                                     b'{"parts": 1, "scores": 2, "fingerprint": 3}'])
def test_a_damaged_file_is_named_with_the_cure(project, monkeypatch, name, cure, content):
    trainer = Trainer(monkeypatch, pretend)
    runs.kfold('tiny.py', folds=2, report=False)
    folder = Path('work_dirs/tiny_kfold')
    plan = (folder / 'kfold_plan.json').read_bytes()
    if name.endswith('scores.json'):
        (folder / 'fold1/fold_done.json').unlink()
        trainer.train = lambda argv: 0
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=f'tiny_kfold/{name} is damaged: {cure}'):
        runs.kfold('tiny.py', folds=2, report=False)
    # and the cure works
    (folder / name).unlink()
    trainer.train = pretend
    runs.kfold('tiny.py', folds=2, report=False)
    assert (folder / 'kfold_plan.json').read_bytes() == plan
    assert trainer.folds()[2:4] == {'fold1/fold_done.json': ['fold1'], 'kfold_plan.json': [],
                                    'fold1/scores.json': ['fold1', 'fold1']}[name]


@pytest.mark.parametrize(('settings', 'words'), [
    (dict(folds=1), 'folds=1: give 2 or more'),
    (dict(jobs=0), 'jobs=0: give 1 or more'),
    (dict(arguments=['--resume=x.pth']), 'arguments has --resume=x.pth, which is chosen for each'),
])
def test_settings_that_make_no_folds(settings, words):
    with pytest.raises(UserError, match=words):
        runs.kfold('no.py', **settings)


def test_a_page_that_fails_loses_no_scores(project, monkeypatch, capsys):
    Trainer(monkeypatch, pretend)

    def fail(folders, out):
        raise ImportError('Failed to import plotly')

    monkeypatch.setattr(run, 'write_report', fail)
    runs.kfold('tiny.py', folds=2)
    assert ('work_dirs/tiny_kfold/report.html was not written (Failed to import plotly); try again '
            'with python tools/report.py work_dirs/tiny_kfold/fold0 ') in capsys.readouterr().err
    assert (project / 'work_dirs/tiny_kfold/kfold.json').is_file()


def test_training_holds_the_lock_and_is_waited_for(tmp_path, monkeypatch):
    with (tmp_path / '.lock').open('w') as lock:
        look = 'import os, sys; os.fstat(int(sys.argv[1]))'
        assert run.run_training([sys.executable, '-c', look, str(lock.fileno())], lock) == 0
        told = []

        class Launcher(contextlib.nullcontext):
            def wait(self, timeout=None):
                told.append(f'wait {timeout}')
                if len(told) == 1:
                    raise KeyboardInterrupt
                if timeout is not None:
                    raise subprocess.TimeoutExpired('launcher', timeout)

            def terminate(self):
                told.append('terminate')

            def __enter__(self):
                return self

        monkeypatch.setattr(run.subprocess, 'Popen', lambda *args, **kwargs: Launcher())
        with pytest.raises(KeyboardInterrupt):
            run.run_training(['launcher'], lock)
    assert told == ['wait None', 'wait 60', 'terminate', 'wait None']
