# Mask R-CNN on MobileNetV2, generated barn scenes: counts cattle after minutes on two CPU cores.
_base_ = [
    '_base_/models/mask-rcnn_mnv2.py',
    '_base_/datasets/barn_instances.py',
    '_base_/schedules/adamw_cosine_600.py',
]
model = dict(
    # drawn scenes are not photographs, and weights may be missing: all is learned
    backbone=dict(frozen_stages=-1, norm_eval=False),
    roi_head=dict(
        bbox_head=dict(num_classes={{_base_.num_classes}}),
        mask_head=dict(num_classes={{_base_.num_classes}})))
# drawn cattle are learned sooner than real ones
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=3e-6, by_epoch=False, begin=30, end=400),
]
train_cfg = dict(max_iters=400, val_interval=200)
default_hooks = dict(checkpoint=dict(interval=200))
