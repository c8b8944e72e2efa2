# Mask R-CNN on ResNet-50, own outlined animals.
_base_ = [
    '_base_/models/mask-rcnn_r50.py',
    '_base_/datasets/cattle.py',
    '_base_/schedules/sgd_step_3600.py',
]
model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes={{_base_.num_classes}}),
        mask_head=dict(num_classes={{_base_.num_classes}})))
