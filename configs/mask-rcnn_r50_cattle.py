# Mask R-CNN on ResNet-50, own outlined animals (He et al., ICCV 2017).
# Published: none; the animals are your own.
# Needs: own outlines as COCO files (data/README.md); MMDetection's COCO checkpoint through
#   tools/convert_coco_head.py, or torchvision's ResNet-50.
# Departs: from MMDetection's recipe of 36 rounds: a tenth of the rate after 24 of 36 rounds, not
#   27; 200 steps of warm-up, not 500; gradients are limited to 35; shorter sides from 480 to 800
#   pixels, not 640 to 800; 3600 steps of 2 images, which are 36 rounds of 200.
_base_ = [
    '_base_/models/mask-rcnn_r50.py',
    '_base_/datasets/cattle.py',
    '_base_/schedules/sgd_step_3600.py',
]
model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes={{_base_.num_classes}}),
        mask_head=dict(num_classes={{_base_.num_classes}})))
