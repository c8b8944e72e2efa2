"""A training of seconds that learns instances from outlined and from other pictures."""
import json
import pprint
from pathlib import Path

import cv2
import numpy as np

from tests.helpers.small_mask_teacher import MASK_RCNN

CONFIG = """
default_scope = 'mmdet'
custom_imports = dict(imports=['plugin', 'tests.helpers.tiny_parts'], allow_failed_imports=False)
randomness = dict(seed=3)
log_processor = dict(by_epoch=False)
detector = {detector}
meta = dict(classes=('cow', 'calf'))
load = [dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations', with_bbox=True, with_mask=True)]
move = [dict(type='RandomResize', scale=(64, 64), ratio_range=(0.8, 1.2), keep_ratio=True),
        dict(type='RandomFlip', prob=0.5)]
strong = [dict(type='RandomResize', scale=(64, 64), ratio_range=(0.7, 1.2), keep_ratio=True),
          dict(type='RandomFlip', prob=0.5), dict(type='mmseg.ColorJitter'),
          dict(type='mmseg.RandomGaussianBlur'),
          dict(type='RandomErasing', n_patches=(1, 3), ratio=(0, 0.2))]
outlined = dict(type='CattleDataset', metainfo=meta, data_root='{root}',
                data_prefix=dict(img='images/'))
labeled = dict(outlined, ann_file='labeled.json',
               pipeline=[*load, *move, dict(type='PackDetInputs')])
unlabeled = dict(outlined, ann_file='unlabeled.json',
                 pipeline=[*load, *move, dict(type='PackSemiDetInputs', strong=strong)])
folder = dict(type='UnlabeledDataset', data_prefix=dict(img_path='{root}/images'),
              pipeline=[load[0], *move, dict(type='PackSemiDetInputs', strong=strong)])
train_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='PairedSampler', batch_size=4),
    dataset=dict(type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        outlined, ann_file='labeled.json', test_mode=True,
        pipeline=[load[0], dict(type='Resize', scale=(64, 64), keep_ratio=True), load[1],
                  dict(type='PackDetInputs', meta_keys=(
                      'img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor',
                      'instances'))]))
test_dataloader = val_dataloader
val_evaluator = [dict(type='FastCocoMetric', metric=['bbox', 'segm']), dict(type='CountMetric')]
test_evaluator = val_evaluator
train_cfg = dict(type='ResumableTrainLoop', max_iters=6, val_interval=3)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=6, by_epoch=False)]
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=2, max_keep_ckpts=3,
                    save_best='coco/segm_mAP'),
    check_data=dict(type='CheckDataHook'),
    missing_weights=dict(type='MissingWeightsHook'),
    watch=dict(type='TrainingWatchHook'),
    val_loss=dict(type='ValidationLossHook'),
    count_threshold=dict(type='CountThresholdHook'))
visualizer = dict(type='DetLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
"""
# how it is started: without anybody's outlines of the other pictures
FOLDER = """
train_dataloader['dataset']['unlabeled'] = folder
"""
METHOD = """
model = dict(type='MaskTeacher', detector=detector, unsupervised=dict(
    candidates=0.05, lowest=0., highest=0.3, sureness=0., spread=1000.))
default_hooks.update(method=dict(type='MaskTeacherHook', warmup=2, decay=0.9))
"""
SUPERVISED = """
model = detector
train_dataloader = dict(batch_size=2, num_workers=0,
                        sampler=dict(type='InfiniteSampler', shuffle=True), dataset=labeled)
"""


def write_project(folder: Path) -> Path:
    """Write pictures and ``teacher.py`` beside ``supervised.py`` and ``folder.py``."""
    rng = np.random.default_rng(0)
    (folder / 'animals/images').mkdir(parents=True)
    images, annotations = [], []
    for number in range(8):
        image = rng.integers(0, 90, (60, 72, 3), dtype=np.uint8)
        for label in range(number % 3):
            left, top = (int(value) for value in rng.integers(2, 30, 2))
            image[top:top + 24, left:left + 30] = (200, 220 - 90 * label, 230)
            outline = [left, top, left + 30, top, left + 30, top + 24, left, top + 24]
            annotations.append(dict(
                id=len(annotations) + 1, image_id=number, category_id=label + 1, area=720,
                bbox=[left, top, 30, 24], segmentation=[outline], iscrowd=0))
        cv2.imwrite(str(folder / f'animals/images/{number}.png'), image)
        images.append(dict(id=number, file_name=f'{number}.png', height=60, width=72))
    categories = [dict(id=1, name='cow'), dict(id=2, name='calf')]
    for name, chosen in (('labeled', range(3)), ('unlabeled', range(3, 8))):
        (folder / f'animals/{name}.json').write_text(json.dumps(dict(
            images=[images[place] for place in chosen], categories=categories,
            annotations=[one for one in annotations if one['image_id'] in chosen])))
    detector = pprint.pformat(MASK_RCNN.to_dict(), sort_dicts=False)
    text = CONFIG.replace('{root}', str(folder / 'animals')).replace('{detector}', detector)
    (folder / 'supervised.py').write_text(text + SUPERVISED)
    (folder / 'folder.py').write_text(text + METHOD + FOLDER)
    config = folder / 'teacher.py'
    config.write_text(text + METHOD)
    return config
