# Mask R-CNN on MobileNetV2, own outlined animals (He et al., ICCV 2017).
# Published: none; the animals are your own.
# Needs: own outlines as COCO files (data/README.md); MobileNetV2 of ImageNet from the model zoo of
#   MMDetection.
# Departs: the recipe is ours: AdamW 3e-4, cosine, 600 steps of 4 images, FPN of 128 maps from
#   stride 8 on.
# 320 pixels, without a GPU.
_base_ = [
    '_base_/models/mask-rcnn_mnv2.py',
    '_base_/datasets/cattle_320.py',
    '_base_/schedules/adamw_cosine_600.py',
]
model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes={{_base_.num_classes}}),
        mask_head=dict(num_classes={{_base_.num_classes}})))
