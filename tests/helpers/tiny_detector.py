"""A Mask R-CNN of a few hundred weights with random values: config and checkpoint."""
import csv
from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.registry import DefaultScope

from plugin.evaluation import CountCalibration
from plugin.evaluation.count_intervals import KEPT_AS

CLASSES = ('cow', 'calf')
CONFIG = """
default_scope = 'mmdet'
custom_imports = dict(imports=['plugin', 'tests.helpers.tiny_parts'], allow_failed_imports=False)
model = dict(
    type='MaskRCNN',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[120.0, 110.0, 100.0], std=[60.0, 58.0, 57.0],
        bgr_to_rgb=True, pad_mask=True, pad_size_divisor=8),
    backbone=dict(type='mmseg.TinyBackbone'),
    rpn_head=dict(
        type='RPNHead', in_channels=4, feat_channels=4,
        anchor_generator=dict(
            type='AnchorGenerator', scales=[6], ratios=[0.5, 1.0, 2.0], strides=[2]),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True)),
    roi_head=dict(
        type='StandardRoIHead',
        bbox_roi_extractor=dict(
            type='SingleRoIExtractor', roi_layer=dict(type='RoIAlign', output_size=3),
            out_channels=4, featmap_strides=[2]),
        bbox_head=dict(
            type='Shared2FCBBoxHead', in_channels=4, fc_out_channels=8, roi_feat_size=3,
            num_classes=2, reg_class_agnostic=False,
            bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2])),
        mask_roi_extractor=dict(
            type='SingleRoIExtractor', roi_layer=dict(type='RoIAlign', output_size=5),
            out_channels=4, featmap_strides=[2]),
        mask_head=dict(
            type='FCNMaskHead', num_convs=1, in_channels=4, conv_out_channels=4, num_classes=2)),
    train_cfg=None,
    test_cfg=dict(
        rpn=dict(nms_pre=200, max_per_img=60, nms=dict(type='nms', iou_threshold=0.7),
                 min_bbox_size=0),
        rcnn=dict(score_thr=0.2, nms=dict(type='nms', iou_threshold=0.4), max_per_img=12,
                  mask_thr_binary=0.5)))
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 48), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='PackDetInputs',
         meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'instances'))]
test_dataloader = dict(dataset=dict(type='CattleDataset', pipeline=test_pipeline))
"""


def write_detector(folder: Path) -> Path:
    """Write ``tiny_detector.py`` into a folder; returns the config."""
    config = folder / 'tiny_detector.py'
    config.write_text(CONFIG, encoding='utf-8')
    return config


def write_weights(config: Path, name: str, threshold: float | None = None,
                  counts: CountCalibration | None = None) -> Path:
    """Write a checkpoint with random weights beside the config.

    It may remember a threshold, and what a validation counted.
    """
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(Config.fromfile(config).model)
    generator = torch.Generator().manual_seed(4)
    for value in model.parameters():
        torch.nn.init.normal_(value, std=0.5, generator=generator)
    scalars = {}
    if threshold is not None:
        scalars['val/count/best_threshold'] = HistoryBuffer([0.9, threshold], [1, 1])
    info = {} if counts is None else {KEPT_AS: counts.as_dict()}
    path = config.parent / name
    torch.save(dict(meta=dict(dataset_meta=dict(classes=CLASSES)), state_dict=model.state_dict(),
                    message_hub=dict(log_scalars=scalars, runtime_info=info)), path)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by the titles of their columns."""
    with path.open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))
