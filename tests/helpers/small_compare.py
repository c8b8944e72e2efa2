"""A small project whose configs are compared, and stand-ins for their trainings and tests."""
import json
import random
import shutil
from pathlib import Path

from mmengine.config import Config

from plugin.runs.compare import children
from tests.helpers.kfold_barn import write_barn

# scored on images of its own
THIRD = """
_base_ = 'tiny.py'
third = dict(_base_.val_dataloader.dataset, data_prefix=dict(
    img_path='images/test', seg_map_path='labels/test'))
test_dataloader = dict(dataset=dict(_delete_=True, **third))
"""
SEMI = """
_base_ = 'tiny.py'
labeled = _base_.train_dataloader.dataset
unlabeled = dict(labeled, pipeline=[
    dict(type='LoadImageFromFile'), dict(type='Resize', scale=(32, 32)),
    dict(type='PackSemiInputs')])
model = dict(_delete_=True, type='MeanTeacher', segmentor=_base_.model)
train_dataloader = dict(
    batch_size=6, sampler=dict(_delete_=True, type='PairedSampler', batch_size=6),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
default_hooks = dict(method=dict(type='TeacherStudentHook', warmup=1, decay=0.9))
"""


def write_configs(folder: Path) -> None:
    """Write ``a.py`` and ``b.py`` with a test part, ``tiny.py`` without, ``semi.py``, the data."""
    write_barn(folder)
    for kind in ('images', 'labels'):
        shutil.copytree(folder / 'barn' / kind / 'val', folder / 'barn' / kind / 'test')
    (folder / 'a.py').write_text(THIRD)
    (folder / 'b.py').write_text(THIRD + 'optim_wrapper = dict(optimizer=dict(lr=0.2))\n')
    (folder / 'semi.py').write_text(SEMI)


class Stub:
    """Trains and tests as it is told, and notes what was started.

    Args:
        monkeypatch: That of pytest.
        value (callable, optional): The score by the config of the run, which has a ``seed``, a
            ``rate``, a ``part``, a ``network`` and a checkpoint ``which``.
        stop_at (int, optional): The number of the process that a kill meets, from 0.
    """

    def __init__(self, monkeypatch, value=None, stop_at=None) -> None:
        self.started, self.outputs, self.devices, self.environments = [], [], [], []
        self.value, self.stop_at, self.status = value or ordinary, stop_at, {}
        monkeypatch.setattr(children, 'start', self._start)

    def _start(self, command, lock, *, output=None, device=None, environment=None):
        assert not lock.closed
        tool, folder = Path(command[1]).stem, Path(command[command.index('--work-dir') + 1])
        name = (folder if tool == 'train' else folder).as_posix()
        self.outputs.append(output)
        self.devices.append(device)
        self.environments.append(environment)
        if self.stop_at == len(self.started):
            raise Killed
        self.started.append(f'{tool} {name}')
        cfg = Config.fromfile(command[2])
        if tool == 'train':
            status = pretend_training(cfg, folder, self.status.get(name, 0))
        else:
            status = self._test(cfg, command, folder)
        return children.Ended(status, 100. + random.random())

    def _test(self, cfg, command, folder) -> int:
        run = Path(command[3]).parent
        average = cfg.default_hooks.get('averages') or {}
        key = dict(method=run.parent.parent.name, rate=cfg.optim_wrapper.optimizer.lr,
                   seed=cfg.randomness.seed, part=folder.name.rpartition('_')[2],
                   network=cfg.model.get('predict_on') or average.get('predict_on', ''),
                   which='best' if 'best' in command[3] else 'last')
        assert folder.name == '_'.join([*key['network'].split(), key['which'], key['part']])
        log = folder / '20260101_000000'
        log.mkdir(parents=True)
        if cfg.default_scope == 'mmdet':
            assert [one['type'] for one in cfg.test_evaluator] == ['FastCocoMetric', 'CountMetric']
            scores = {'coco/segm_mAP': self.value(**key) / 100, 'count/MAE': 0.2}
            classes = []
        else:
            scores = dict(mIoU=self.value(**key), ECE=5., time=random.random())
            classes = [{'class': 'cow', 'IoU': scores['mIoU'] / 2}]
        (log / 'scores.json').write_text(json.dumps(dict(iteration=None, scores=scores,
                                                         classes=classes)))
        return 0


class Killed(BaseException):
    """What a kill of the whole comparison is in a test."""


def ordinary(method, rate, seed, part, network, which) -> float:
    """A score that depends on all that it may depend on."""
    generator = random.Random(f'{method} {rate} {seed} {network}')
    return round(50 + generator.random() + 3 * (part == 'val') + (which == 'best'), 2)


def pretend_training(cfg, folder: Path, status: int) -> int:
    """Leave what a training leaves; with a status, what one of NaN leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    if status:
        (folder / 'not_finite.txt').write_text('the loss is nan at iteration 1')
        return status
    steps = cfg.train_cfg.max_iters
    shutil.rmtree(folder / '20260101_000000', ignore_errors=True)
    log = folder / '20260101_000000/vis_data'
    log.mkdir(parents=True)
    records = []
    for step in range(1, steps + 1):
        records.append(dict(step=step, iter=step, loss=2. ** -step, time=random.random()))
        records += [dict(step=step, mIoU=score)
                    for due, score in ((steps // 2, 40.), (steps, 41.5)) if step == due]
    (log / 'scalars.json').write_text('\n'.join(map(json.dumps, records)))
    (folder / f'best_mIoU_iter_{steps // 2}.pth').touch()
    (folder / f'iter_{steps}.pth').touch()
    return 0
