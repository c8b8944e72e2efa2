# Cascade Mask R-CNN on Swin-T, own outlined animals (Liu et al., ICCV 2021).
# Published: none; the animals are your own. On COCO: box AP 50.4, mask AP 43.7 (3x).
# Needs: own outlines as COCO files (data/README.md); Swin-T of ImageNet, or a COCO checkpoint of
#   this network through tools/convert_coco_head.py, of which none is known to circulate.
# Departs: 3600 steps, which are 36 rounds of 1600 images with 16 a step, and of 200 with the 2 of
#   this config; no mixed precision; starts from ImageNet; the box heads are MMDetection's (two
#   linear layers, smooth L1, one box for all classes), not four convolutions with batch norm and
#   GIoU.
# The rate 1e-4 is for 16 images a step and is scaled to the batch (auto_scale_lr).
_base_ = [
    '_base_/models/cascade-mask-rcnn_swin-t.py',
    '_base_/datasets/cattle_swin.py',
    '_base_/schedules/adamw_step_3600.py',
]
model = dict(
    roi_head=dict(
        type='CascadeRoIHead',
        num_stages=3,
        bbox_head=[
            dict(
                type='Shared2FCBBoxHead',
                in_channels=256,
                fc_out_channels=1024,
                roi_feat_size=7,
                num_classes={{_base_.num_classes}},
                # each stage expects boxes nearer to the truth
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder', target_means=[0., 0., 0., 0.], target_stds=stds),
                reg_class_agnostic=True,
                loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
                loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0))
            for stds in ([0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1],
                         [0.033, 0.033, 0.067, 0.067])
        ],
        mask_head=dict(num_classes={{_base_.num_classes}})))
