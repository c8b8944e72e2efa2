"""What the doctor says of a model, its checkpoints and its memory."""
import os
import shutil
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from torch import nn

from plugin.datasets.doctor import Report, check_room, examine_config
from plugin.models.semi.memory_bank import MemoryBank
from tests.helpers.small_doctor import maps_config, only, write_maps


def segmentor(num_classes):
    return dict(
        type='EncoderDecoder', test_cfg=dict(mode='whole'),
        backbone=dict(type='mmseg.ResNetV1c', depth=18, stem_channels=4, base_channels=4,
                      out_indices=(3, )),
        decode_head=dict(type='FCNHead', in_channels=32, in_index=0, channels=4, num_convs=1,
                         num_classes=num_classes))


def test_num_classes_against_the_data(tmp_path):
    cfg = maps_config(write_maps(tmp_path), model=segmentor(2))
    assert examine_config(cfg).findings == []
    cfg.model.decode_head.num_classes = 5
    cfg.val_dataloader = None
    found = only(cfg, 'error', 'num-classes')
    assert found.places == ('train', )
    assert found.message.startswith('decode_head has num_classes=5, but the training set has 2')
    assert found.cure.startswith('set num_classes=2 in decode_head')


def test_a_model_that_cannot_be_built(tmp_path):
    cfg = maps_config(write_maps(tmp_path), model=dict(type='EncoderDekoder'))
    found = only(cfg, 'error', 'model')
    assert 'EncoderDekoder is not in the' in f'{found.message}: {found.cure}'


@pytest.fixture
def model():
    """1000 weights that learn, 100 that do not: 4400 bytes."""
    model = nn.Module()
    model.learns = nn.Parameter(torch.zeros(1000))
    model.frozen = nn.Parameter(torch.zeros(100), requires_grad=False)
    return model


def room(model, folder, optimizer, **hook):
    report = Report()
    check_room(model, Config(dict(
        work_dir=str(folder / 'new'), train_cfg=dict(max_iters=10),
        optim_wrapper=dict(optimizer=optimizer),
        default_hooks=dict(checkpoint=dict(interval=2, **hook)))), report)
    return report


@pytest.mark.parametrize(('optimizer', 'one'), [
    (dict(type='AdamW', lr=1), 4400 + 8000),
    (dict(type='SGD', momentum=0.9), 4400 + 4000),
    (dict(type='SGD'), 4400),
])
def test_checkpoints_are_counted(model, tmp_path, optimizer, one):
    facts = room(model, tmp_path, optimizer, max_keep_ckpts=3, save_best='mIoU').facts
    assert facts['checkpoint_bytes'] == one
    # three, the one that is being written, and the best
    assert facts['checkpoints_bytes'] == 4 * one + 4400
    assert room(model, tmp_path, optimizer).facts['checkpoints_bytes'] == 6 * one
    facts = room(model, tmp_path, optimizer, save_optimizer=False, max_keep_ckpts=1).facts
    assert facts['checkpoints_bytes'] == 2 * 4400


@pytest.mark.parametrize(('free', 'severity'), [(20000, 'warning'), (10000, 'error')])
def test_a_disk_that_is_too_small(model, tmp_path, monkeypatch, free, severity):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=free))
    found = only(room(model, tmp_path, dict(type='AdamW'), max_keep_ckpts=3), severity,
                 'disk-space')
    assert found.places == (str(tmp_path / 'new'), )
    assert found.cure.startswith('free some space, give another --work-dir, or lower')
    # an older training that will be replaced gives its space back
    (tmp_path / 'new').mkdir()
    (tmp_path / 'new/iter_2.pth').write_bytes(bytes(50000))
    # a link whose file was moved away takes none
    (tmp_path / 'new/latest.pth').symlink_to('gone.pth')
    assert room(model, tmp_path, dict(type='AdamW'), max_keep_ckpts=3).findings == []


@pytest.mark.parametrize(('memory', 'severity'), [(200000, 'warning'), (70000, 'error')])
def test_a_memory_bank_that_is_too_large(monkeypatch, memory, severity):
    model = nn.Sequential(MemoryBank(3, 16, capacity=400, background_capacity=400))
    assert model[0].memory_bytes == (1200 + 1) * 16 * 4
    report = Report()
    check_room(model, {}, report)
    assert report.findings == []
    monkeypatch.setattr(os, 'sysconf', dict(SC_PHYS_PAGES=memory // 1000, SC_PAGE_SIZE=1000).get)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    check_room(model, {}, report)
    found = only(report, severity, 'bank-memory')
    assert found.places == ('model.contrastive.bank', )
    assert "dtype='float16'" in found.cure
