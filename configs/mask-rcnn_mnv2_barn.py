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
