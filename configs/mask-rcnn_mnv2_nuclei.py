# Mask R-CNN on MobileNetV2, cell nuclei (He et al., ICCV 2017).
# Published: none; the network and the division of the images are ours.
# Needs: the nuclei of data/README.md; MobileNetV2 of ImageNet from the model zoo of MMDetection.
# Departs: the recipe is ours: AdamW 3e-4, cosine, 1000 steps of 2 images, FPN of 128 maps from
#   stride 4 on; batch norms as in mask-rcnn_mnv2_pigs.py.
# A real crowd to count: 5 to 50 an image, half of them smaller than 24 pixels.
_base_ = [
    '_base_/models/mask-rcnn_mnv2.py',
    '_base_/datasets/nuclei.py',
    '_base_/schedules/adamw_cosine_1000.py',
]
strides = [4, 8, 16]
model = dict(
    # small objects need the level of stride 4, and an image of cells little of the deepest one
    backbone=dict(out_indices=(1, 2, 4, 6), frozen_stages=-1),
    neck=dict(in_channels=[24, 32, 96, 320]),
    # nuclei have 5 to 64 pixels: anchors of 8, 11, 16, 23, ..., 91
    rpn_head=dict(anchor_generator=dict(scales=[2, 2.83], strides=[*strides, 32])),
    roi_head=dict(
        bbox_roi_extractor=dict(featmap_strides=strides, finest_scale=28),
        bbox_head=dict(num_classes={{_base_.num_classes}}),
        mask_roi_extractor=dict(featmap_strides=strides, finest_scale=28),
        mask_head=dict(num_classes={{_base_.num_classes}})),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=300), rcnn=dict(sampler=dict(num=96))),
    # three times the fullest image
    test_cfg=dict(rpn=dict(nms_pre=600, max_per_img=400), rcnn=dict(max_per_img=150)))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.8, 1.2), keep_ratio=True),
    # cells under a microscope have no upright
    dict(type='RandomFlip', prob=0.75, direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
