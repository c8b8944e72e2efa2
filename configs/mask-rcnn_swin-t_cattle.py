# Mask R-CNN on Swin-T, own outlined animals (Liu et al., ICCV 2021).
# Published: none; the animals are your own. On COCO: box AP 46.0, mask AP 41.6 (3x).
# Needs: own outlines as COCO files (data/README.md); a COCO checkpoint through
#   tools/convert_coco_head.py, or Swin-T of ImageNet.
# Departs: 3600 steps, which are 36 rounds of 1600 images with 16 a step, and of 200 with the 2 of
#   this config; no mixed precision; starts from COCO where its checkpoint is at hand.
# The rate 1e-4 is for 16 images a step and is scaled to the batch (auto_scale_lr).
_base_ = [
    '_base_/models/mask-rcnn_swin-t.py',
    '_base_/datasets/cattle_swin.py',
    '_base_/schedules/adamw_step_3600.py',
]
model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes={{_base_.num_classes}}),
        mask_head=dict(num_classes={{_base_.num_classes}})))
