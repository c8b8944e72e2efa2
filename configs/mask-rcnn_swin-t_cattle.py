# Mask R-CNN on Swin-T, own outlined animals.
_base_ = [
    '_base_/models/mask-rcnn_swin-t.py',
    '_base_/datasets/cattle.py',
    '_base_/schedules/adamw_step_3600.py',
]
model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes={{_base_.num_classes}}),
        mask_head=dict(num_classes={{_base_.num_classes}})))
