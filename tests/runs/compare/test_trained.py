"""What is read from the log of a training."""
import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from plugin.runs.compare.trained import read_training


def write(folder, records):
    path = folder / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, records)))


def test_the_log_of_a_training_that_was_killed(tmp_path):
    cfg = Config(dict(
        train_cfg=dict(max_iters=40), default_scope='mmseg', model=dict(
            type='MeanTeacher', segmentor=Config.fromfile('configs/fcn8s_barn.py').model)))
    loss = [dict(iter=step, step=step, loss=4. if step <= 36 else 3., time=0.1 * step,
                 memory=100 * step) for step in range(1, 41)]
    write(tmp_path / '20260101_000000', [*loss[:20], dict(step=20, mIoU=30.), *loss[20:38]])
    # it went on from the checkpoint of iteration 30
    write(tmp_path / '20260101_000001', [*loss[30:], dict(step=40, mIoU=32.)])
    found = read_training(tmp_path, cfg, 77.)
    assert found.loss == 0.25 and found.scores == dict(mIoU=[30., 32.])
    assert (found.memory, found.on_gpu, found.stopped) == (4000, True, '')
    # of one network, whatever the method round it has
    assert 10_000 < found.parameters < 5_000_000


def test_a_validation_that_was_done_twice_is_one_look(tmp_path):
    cfg = Config(dict(train_cfg=dict(max_iters=20), default_scope='mmdet',
                      model=Config.fromfile('configs/mask-rcnn_mnv2_barn.py').model))
    steps = [dict(iter=step, step=step, loss=1.) for step in (10, 20)]
    seen = [dict(step=10, mIoU=30.), dict(step=20, mIoU=32.)]
    write(tmp_path / '20260101_000000', [steps[0], seen[0], steps[1], seen[1], seen[1]])
    assert read_training(tmp_path, cfg, None).scores == dict(mIoU=[30., 32.])


def test_a_training_without_a_log_has_the_memory_of_its_process(tmp_path):
    cfg = Config(dict(train_cfg=dict(max_iters=40), default_scope='mmdet',
                      model=Config.fromfile('configs/mask-rcnn_mnv2_barn.py').model))
    found = read_training(tmp_path, cfg, 77.)
    assert (found.seconds, found.memory, found.on_gpu, found.loss) == (None, 77., False, None)
    assert found.parameters > 1_000_000

def test_runs_that_end_together_take_turns_in_the_scope(tmp_path, monkeypatch):
    write(tmp_path / '20260101_000000', [dict(iter=1, step=1, loss=1.)])
    together = threading.Barrier(2)

    def build(model):
        # a second thread that comes while this one builds is what must not be
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.3)
            met.append(model)
        return torch.nn.Linear(1, 1)

    met: list = []
    monkeypatch.setattr(MODELS, 'build', build)
    cfg = Config(dict(train_cfg=dict(max_iters=1), default_scope='mmseg', model=dict(type='Any')))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: read_training(tmp_path, cfg, None), range(2)))
    assert [one.parameters for one in found] == [2, 2]
    assert not met
