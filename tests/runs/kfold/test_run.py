"""tools/kfold.py: folds are trained once each, stopped and gone on with, and summed up."""
import contextlib
import csv
import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import kfold
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from plugin.datasets.synthetic_barn import BarnSpec, make_barn
from plugin.runs.kfold import (
    files,
    scores,
)
from tests.helpers import small_coco
from tests.helpers.forked import run_tool
from tests.helpers.paths import TOOLS
from tests.helpers.tiny import write_project

BARN = """
train_cfg['max_iters'], train_cfg['val_interval'] = 2, 2
model['decode_head']['num_classes'] = 4
barn = dict(type='BarnDataset', data_root='barn')
train_dataloader['dataset'] = dict(
    pipeline=train_pipeline,
    data_prefix=dict(img_path='images/train', seg_map_path='labels/train'), **barn)
val_dataloader['dataset'] = dict(
    pipeline=test_pipeline, test_mode=True,
    data_prefix=dict(img_path='images/val', seg_map_path='labels/val'), **barn)
test_dataloader = val_dataloader
default_hooks['summary'] = dict(type='RunSummaryHook', samples=0)
"""


@pytest.fixture(scope='module')
def barn(tmp_path_factory):
    """A small project on ten generated barn images."""
    folder = tmp_path_factory.mktemp('kfold') / 'my barn'
    folder.mkdir()
    write_project(folder, number=0, more=BARN)
    make_barn(folder / 'barn', BarnSpec(10, 0.2, (64, 64), 0, 0), 1, False)
    return folder


@pytest.fixture
def project(barn, tmp_path, monkeypatch):
    """A copy of it, in which the test runs."""
    folder = tmp_path / 'project'
    shutil.copytree(barn, folder)
    monkeypatch.chdir(folder)
    return folder


def run(argv) -> int:
    """Run the tool; returns its exit status."""
    try:
        return kfold.main(argv)
    except SystemExit as error:
        return error.code


class Trainer:
    """Stands for ``subprocess.run``: notes the commands, and trains as it is told.

    Args:
        monkeypatch: That of pytest.
        train (callable): Gets the arguments of train.py; returns an exit status.
    """

    def __init__(self, monkeypatch, train) -> None:
        self.commands, self.reports, self.train = [], [], train
        monkeypatch.setattr(kfold, 'subprocess', SimpleNamespace(run=self.run))
        monkeypatch.setattr(kfold, 'run_training', lambda command, lock: self.run(
            command).returncode)

    def run(self, command):
        if command[1].endswith('report.py'):
            self.reports.append(command[2:])
            return subprocess.CompletedProcess(command, 0)
        self.commands.append(command)
        return subprocess.CompletedProcess(command, self.train(command[2:]))

    def folds(self):
        """The numbers of the folds that were trained."""
        return [Path(command[2]).stem for command in self.commands]


def pretend(argv) -> int:
    """Leave scores as a training does; its fold decides on them."""
    work_dir = Path(argv[argv.index('--work-dir') + 1])
    value = 50. + 10 * int(work_dir.name[-1])
    work_dir.mkdir(parents=True, exist_ok=True)
    (work_dir / 'scores.json').write_text(json.dumps(dict(
        iteration=2, scores=dict(mIoU=value), classes=[
            {'class': 'cow', 'IoU': value / 2}, {'class': '牛 [b]', 'IoU': float('nan')}])))
    return 0


def test_folds_are_trained_stopped_and_gone_on_with(project, monkeypatch, capsys):
    stop_at = ['fold1']

    def train(argv):
        if Path(argv[0]).stem in stop_at:
            raise KeyboardInterrupt
        result = run_tool('train', argv, project)
        assert result.status == 0, result.err
        return 0

    argv = ['tiny.py', '--folds', '2', '--no-check', '--cfg-options',
            'optim_wrapper.optimizer.lr=0.05', 'train_dataloader.dataset.img_suffix=.jpg',
            'val_dataloader.dataset.img_suffix=.jpg']
    trainer = Trainer(monkeypatch, train)
    assert run(argv) == 130
    assert 'stopped; the same command goes on' in capsys.readouterr().out
    work_dir = project / 'work_dirs/tiny_kfold'
    assert trainer.folds() == ['fold0', 'fold1'] and not (work_dir / 'kfold.json').exists()
    before = (work_dir / 'folds/fold0_val.txt').read_text(encoding='utf-8')

    stop_at.clear()
    trainer.commands.clear()
    assert run(argv) == 0
    out = capsys.readouterr().out
    assert 'fold 0 of 0..1: 5 images to train on, 5 to validate; done before' in out
    assert trainer.folds() == ['fold1']
    assert trainer.commands[0][3:] == [
        '--work-dir', 'work_dirs/tiny_kfold/fold1', '--resume', 'auto', '--no-check',
        # what is in the config of the fold already would not fit a second time
        '--cfg-options', 'optim_wrapper.optimizer.lr=0.05']
    assert (work_dir / 'folds/fold0_val.txt').read_text(encoding='utf-8') == before
    check_results(work_dir, out)
    assert trainer.reports == [['work_dirs/tiny_kfold/fold0', 'work_dirs/tiny_kfold/fold1',
                                '--out', 'work_dirs/tiny_kfold/report.html']]
    # every image is validated once, by the fold that was not trained on it
    lists = {name: (work_dir / f'folds/{name}.txt').read_text(encoding='utf-8').split()
             for name in ('fold0_train', 'fold0_val', 'fold1_train', 'fold1_val')}
    assert sorted(lists['fold0_val'] + lists['fold1_val']) == sorted(
        f'{path.parent.name}/{path.stem}' for path in (project / 'barn/images').glob('*/*.jpg'))
    assert lists['fold0_train'] == lists['fold1_val'] and lists['fold1_train'] == lists['fold0_val']

    # nothing is left to do, and other folds do not mix with these
    trainer.commands.clear()
    assert run(argv) == 0
    assert trainer.folds() == []


def check_results(work_dir, out):
    """Compare what is written with the scores of the folds, by NumPy."""
    scores = [json.loads((work_dir / f'fold{k}/scores.json').read_text()) for k in range(2)]
    joint = json.loads((work_dir / 'kfold.json').read_text(encoding='utf-8'))
    assert joint['iterations'] == [2, 2]
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


@pytest.mark.parametrize(('more', 'changed'), [
    (['--folds', '3'], '--folds'), (['--seed', '1'], '--seed'), (['--amp'], 'the arguments of'),
    (['--cfg-options', 'train_cfg.max_iters=3'], 'the config or its --cfg-options'),
    (['--data', 'train'], '--data, the data'),
])
def test_another_plan_is_refused(project, monkeypatch, capsys, more, changed):
    trainer = Trainer(monkeypatch, pretend)
    assert run(['tiny.py', '--folds', '2', '--no-report']) == 0
    trainer.commands.clear()
    before = {path: path.read_bytes() for path in project.rglob('*') if path.is_file()}
    assert run(['tiny.py', '--folds', '2', *more]) == 1
    assert f'work_dirs/tiny_kfold holds folds of another run ({changed}' in capsys.readouterr().err
    assert trainer.commands == []
    assert before == {path: path.read_bytes() for path in project.rglob('*') if path.is_file()}
    # what changes nothing of the result may change
    assert run(['tiny.py', '--folds', '2', '--no-check', '--debug', '--no-report']) == 0


def test_data_that_changed_are_refused(project, monkeypatch, capsys):
    Trainer(monkeypatch, pretend)
    assert run(['tiny.py', '--folds', '2', '--no-report']) == 0
    for kind in ('images', 'labels'):
        file = next(path for path in (project / f'barn/{kind}/val').iterdir()
                    if path.suffix in ('.jpg', '.png'))
        file.with_stem('another').write_bytes(file.read_bytes())
    assert run(['tiny.py', '--folds', '2', '--no-report']) == 1
    assert '(the data changed since): give another --work-dir' in capsys.readouterr().err


def test_fold_that_fails_stops_the_rest(project, monkeypatch, capsys):
    trainer = Trainer(monkeypatch, lambda argv: 1)
    assert run(['tiny.py', '--folds', '2']) == 1
    assert 'the training of fold 0 ended with status 1' in capsys.readouterr().err
    assert trainer.folds() == ['fold0']
    Trainer(monkeypatch, lambda argv: 0)
    assert run(['tiny.py', '--folds', '2']) == 1
    assert 'fold0/scores.json does not exist: each fold must validate' in capsys.readouterr().err
    # Ctrl-C reaches the training first
    Trainer(monkeypatch, lambda argv: 130)
    assert run(['tiny.py', '--folds', '2']) == 130


def test_two_processes_a_training_and_one_kfold_at_a_time(project, monkeypatch, capsys):
    trainer = Trainer(monkeypatch, pretend)
    monkeypatch.setattr(trainer, 'train', lambda argv: pretend(argv[1:]))
    argv = ['tiny.py', '--folds', '2', '--processes', '3', '--no-report']
    assert run(argv) == 0
    command = trainer.commands[0]
    assert command[0] == str(TOOLS / 'dist_train.sh') and command[2] == '3'
    with (project / 'work_dirs/tiny_kfold/.lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run(argv) == 1
    assert 'is being worked on by another kfold.py' in capsys.readouterr().err


def test_groups_and_copies_of_images_stay_together(project, monkeypatch, capsys):
    Trainer(monkeypatch, pretend)
    images = sorted((project / 'barn/images').glob('*/*.jpg'))
    shutil.copy(images[0], images[5])
    twins = {f'{path.parent.name}/{path.stem}' for path in (images[0], images[5])}
    argv = ['tiny.py', '--folds', '2', '--no-report', '--group-by', r'(\d)$', '--jobs', '1']
    assert run(argv) == 0
    out = capsys.readouterr().out
    assert '--group-by "(\\d)$" finds' in out
    assert 'near-duplicates kept on one side: 2 images in 1 sets' in out
    folds = [set((project / f'work_dirs/tiny_kfold/folds/fold{k}_val.txt').read_text().split())
             for k in range(2)]
    assert sorted(len(twins & fold) for fold in folds) == [0, 2]
    last = [{name[-1] for name in fold} for fold in folds]
    assert not last[0] & last[1]
    assert run(['tiny.py', '--folds', '9', '--work-dir', 'other', '--no-report']) == 0
    assert run(['tiny.py', '--folds', '10', '--work-dir', 'third', '--no-report']) == 1
    assert 'cannot fill 10 parts' in capsys.readouterr().err


SEMI = """
labeled = dict(type='BarnDataset', ann_file='labeled.txt', pipeline=train_pipeline,
               data_prefix=dict(img_path='barn/images/train', seg_map_path='barn/labels/train'))
unlabeled = dict(type='UnlabeledDataset', data_prefix=dict(img_path='barn/images/train'),
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSemiInputs')])
train_dataloader['dataset'] = dict(type='SemiDataset', labeled=labeled, unlabeled=unlabeled)
"""


def test_labelled_part_of_semi_supervised_data_is_divided(project, monkeypatch, capsys):
    names = sorted(path.stem for path in (project / 'barn/images/train').glob('*.jpg'))
    (project / 'labeled.txt').write_text('\n'.join(names[:4]))
    (project / 'tiny.py').write_text((project / 'tiny.py').read_text() + SEMI)
    Trainer(monkeypatch, pretend)
    assert run(['tiny.py', '--folds', '2', '--no-report']) == 0
    assert '4 labelled images are among the unlabelled ones as well' in capsys.readouterr().err
    cfg = Config.fromfile('work_dirs/tiny_kfold/folds/fold1.py')
    base = Config.fromfile('tiny.py')
    folder = project / 'work_dirs/tiny_kfold/folds'
    assert cfg.train_dataloader.dataset.unlabeled == base.train_dataloader.dataset.unlabeled
    labeled = cfg.train_dataloader.dataset.labeled
    assert labeled.ann_file == str(folder / 'fold1_train.txt')
    assert labeled.pipeline == base.labeled.pipeline and labeled.type == 'BarnDataset'
    val = cfg.val_dataloader.dataset
    assert val.ann_file == str(folder / 'fold1_val.txt') and val.test_mode
    assert val.pipeline == base.val_dataloader.dataset.pipeline
    # what was the validation set is also the test set, and is no third part any more
    assert cfg.test_dataloader.dataset == val
    found = [(folder / f'fold{k}_val.txt').read_text().split() for k in range(2)]
    assert sorted(sum(found, [])) == names[:4]


def test_folds_of_the_data_are_used(project, monkeypatch, capsys):
    names = sorted(path.stem for path in (project / 'barn/images/train').glob('*.jpg'))
    for fold in range(2):
        (project / f'barn/fold{fold}').mkdir()
        for side, chosen in (('val', names[fold::2]), ('train', names[1 - fold::2])):
            (project / f'barn/fold{fold}/{side}.txt').write_text('\n'.join(chosen))
    prefix = "dict(img_path='images/train', seg_map_path='labels/train')"
    (project / 'tiny.py').write_text((project / 'tiny.py').read_text() + f"""
for side, loader in (('train', train_dataloader), ('val', val_dataloader)):
    loader['dataset'].update(ann_file=f'fold0/{{side}}.txt', data_prefix={prefix})
""")
    Trainer(monkeypatch, pretend)
    assert run(['tiny.py', '--no-report']) == 1
    assert 'come with 2 folds' in capsys.readouterr().err
    assert run(['tiny.py', '--folds', '2', '--no-report']) == 0
    assert 'the data come with 2 folds, which are used' in capsys.readouterr().out
    cfg = Config.fromfile('work_dirs/tiny_kfold/folds/fold1.py')
    assert cfg.val_dataloader.dataset.ann_file == str(project / 'barn/fold1/val.txt')
    assert cfg.train_dataloader.dataset.ann_file == str(project / 'barn/fold1/train.txt')
    # a seed asks for new ones
    assert run(['tiny.py', '--seed', '0', '--work-dir', 'new', '--no-report']) == 0
    assert len((project / 'new/folds/fold4_val.txt').read_text().split()) in (1, 2)
    (project / 'barn/fold1/val.txt').write_text('\n'.join(names[:2]))
    assert run(['tiny.py', '--folds', '2', '--work-dir', 'bad', '--no-report']) == 1
    assert 'is validated in fold 0 and in fold 1' in capsys.readouterr().err


COCO = """
default_scope = 'mmdet'
custom_imports = dict(imports=['plugin'])
cows = dict(type='CattleDataset', metainfo=dict(classes=('cow', 'calf')), data_root='herd',
            ann_file='train.json', data_prefix=dict(img='images/'))
train_dataloader = dict(dataset=dict(pipeline=[], **cows))
val_dataloader = dict(dataset=dict(pipeline=[], test_mode=True, **cows))
test_dataloader = dict(dataset=dict(cows, ann_file='test.json'))
val_evaluator = [dict(type='FastCocoMetric', ann_file='herd/train.json', metric='segm'),
                 dict(type='CountMetric')]
"""


def test_outlined_animals(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'herd').mkdir()
    content = small_coco.content(('cow', 'calf'))
    (tmp_path / 'herd/train.json').write_text(json.dumps(content))
    (tmp_path / 'cows.py').write_text(COCO)
    Trainer(monkeypatch, pretend)
    argv = ['cows.py', '--folds', '3', '--duplicates', 'ignore', '--no-report']
    assert run(argv) == 1
    assert '3 images do not exist (' in capsys.readouterr().err
    (tmp_path / 'herd/images').mkdir()
    for name, (height, width) in small_coco.SIZES.items():
        Image.new('RGB', (width, height)).save(tmp_path / 'herd/images' / name)
    assert run(argv) == 0
    cfg = Config.fromfile('work_dirs/cows_kfold/folds/fold2.py')
    file = cfg.val_dataloader.dataset.ann_file
    held_out = json.loads(Path(file).read_text())
    assert len(held_out['images']) == 1 and held_out['categories'] == content['categories']
    metric, count = cfg.val_evaluator
    assert metric == dict(type='FastCocoMetric', ann_file=file, metric='segm', classwise=True)
    assert count == dict(type='CountMetric')
    # a third part stays one
    assert cfg.test_dataloader.dataset.ann_file == 'test.json'
    assert 'cow' in capsys.readouterr().out


def test_test_set_that_is_the_validation_set_follows_it(tmp_path):
    data = dict(type='CattleDataset', ann_file='val.json')
    metric = dict(type='FastCocoMetric', ann_file='val.json')
    cfg = Config(dict(
        train_dataloader=dict(dataset=dict(data, ann_file='train.json')),
        val_dataloader=dict(dataset=data), test_dataloader=dict(dataset=data),
        val_evaluator=metric, test_evaluator=metric))
    cfg.dump(tmp_path / 'base.py')
    files.write_config(cfg, str(tmp_path / 'base.py'), False, ['a.json', 'b.json'], None,
                             tmp_path / 'fold0.py')
    fold = Config.fromfile(tmp_path / 'fold0.py')
    assert fold.train_dataloader.dataset.ann_file == 'a.json'
    for part in ('val', 'test'):
        assert fold[f'{part}_dataloader'].dataset.ann_file == 'b.json'
        # the ids of the images are those of this file
        assert fold[f'{part}_evaluator'].ann_file == 'b.json'
    assert 'test_evaluator' in files.written_keys(cfg, False)


def test_training_holds_the_lock_and_is_waited_for(tmp_path, monkeypatch):
    with (tmp_path / '.lock').open('w') as lock:
        look = 'import os, sys; os.fstat(int(sys.argv[1]))'
        assert kfold.run_training([sys.executable, '-c', look, str(lock.fileno())], lock) == 0
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

        monkeypatch.setattr(kfold.subprocess, 'Popen', lambda *args, **kwargs: Launcher())
        with pytest.raises(KeyboardInterrupt):
            kfold.run_training(['launcher'], lock)
    assert told == ['wait None', 'wait 60', 'terminate', 'wait None']


def test_mean_and_deviation_leave_out_what_is_not_there():
    values = [0.25, None, float('nan'), -1, 0.5, 1.0]
    known = [0.25, 0.5, 1.0]
    row = scores.summarise(values)
    assert row['n'] == 3 and row['values'] == [0.25, None, None, None, 0.5, 1.0]
    assert row['mean'] == pytest.approx(np.mean(known))
    assert row['std'] == pytest.approx(np.std(known, ddof=1))
    assert scores.summarise([2.0]) == dict(mean=2.0, std=None, n=1, values=[2.0])
    assert scores.summarise([None])['mean'] is None


def test_scores_of_classes_of_instances(tmp_path):
    (tmp_path / 'scores.json').write_text(json.dumps(dict(iteration=7, scores={
        'coco/segm_mAP': 0.5, 'coco/cow_precision': 0.25, 'coco/red calf_precision': -1})))
    assert scores.read_scores(tmp_path) == dict(
        iteration=7, scores={'coco/segm_mAP': 0.5},
        classes={'cow': dict(AP=0.25), 'red calf': dict(AP=-1)})


@pytest.mark.parametrize(('argv', 'words'), [
    (['a.py', '--folds', '1'], '--folds 1: give 2 or more'),
    (['a.py', '--resume'], '--resume: kfold.py goes on by itself'),
    (['a.py', '--launcher=pytorch'], 'give --processes N'),
])
def test_wrong_usage(capsys, argv, words):
    with pytest.raises(SystemExit) as error:
        kfold.main(argv)
    assert error.value.code == 2
    assert words in capsys.readouterr().err


def test_help_loads_nothing_heavy():
    result = subprocess.run(
        [sys.executable, '-X', 'importtime', TOOLS / 'kfold.py', '--help'], capture_output=True,
        text=True, check=True)
    loaded = {line.rpartition('|')[2].strip() for line in result.stderr.splitlines()}
    assert loaded.isdisjoint({'torch', 'mmengine', 'numpy', 'plugin'})
    assert 'examples:' in result.stdout
