"""A training that takes a second: config and images in a folder."""
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

CLASSES = ('ground', 'cow')
PALETTE = [[90, 60, 30], [250, 240, 220]]
CONFIG = """
default_scope = 'mmseg'
custom_imports = dict(imports=['plugin', 'tests.helpers.tiny_parts'], allow_failed_imports=False)
randomness = dict(seed=3)
log_processor = dict(by_epoch=False)
log_level = 'WARNING'
norm = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 58.0, 57.0], bgr_to_rgb=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', size=(32, 32), pad_val=0, seg_pad_val=255,
                           **norm),
    backbone=dict(type='TinyBackbone'),
    decode_head=dict(type='FCNHead', in_channels=4, channels=4, num_convs=1, in_index=0,
                     concat_input=False, dropout_ratio=0.5, num_classes=2,
                     norm_cfg=dict(type='BN')),
    test_cfg=dict(mode='whole'))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(40, 40), ratio_range=(0.8, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(32, 32)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
dataset = dict(
    type='BaseSegDataset', metainfo=dict(classes=('ground', 'cow'),
                                         palette=[[90, 60, 30], [250, 240, 220]]),
    img_suffix='.png', data_root='pictures',
    data_prefix=dict(img_path='images', seg_map_path='labels'))
train_dataloader = dict(
    batch_size=3, num_workers=0, sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(pipeline=test_pipeline, test_mode=True, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(type='SegMetric')
test_evaluator = val_evaluator
train_cfg = dict(type='ResumableTrainLoop', max_iters=9, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-3))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=9, by_epoch=False)]
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=2, max_keep_ckpts=1,
                    save_best='mIoU'),
    visualization=dict(type='SegVisualizationHook'))
visualizer = dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
"""


def write_project(folder: Path, number: int = 5, more: str = '') -> Path:
    """Write images and ``tiny.py`` into a folder; returns the config."""
    generator = np.random.default_rng(0)
    for name in ('images', 'labels'):
        (folder / 'pictures' / name).mkdir(parents=True)
    for index in range(number):
        image = generator.integers(0, 256, (36, 44, 3), dtype=np.uint8)
        label = (image[..., 0] > 128).astype(np.uint8)
        cv2.imwrite(str(folder / f'pictures/images/{index}.png'), image)
        cv2.imwrite(str(folder / f'pictures/labels/{index}.png'), label)
    config = folder / 'tiny.py'
    config.write_text(CONFIG + more, encoding='utf-8')
    return config


def write_weights(config: Path, name: str = 'random.pth', **more) -> Path:
    """Write a checkpoint with random weights beside the config, by which both classes occur."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(Config.fromfile(config).model)
    generator = torch.Generator().manual_seed(11)
    for value in model.parameters():
        torch.nn.init.normal_(value, std=0.5, generator=generator)
    path = config.parent / name
    torch.save(dict(meta=dict(dataset_meta=dict(classes=CLASSES, palette=PALETTE)),
                    state_dict=model.state_dict(), **more), path)
    return path
