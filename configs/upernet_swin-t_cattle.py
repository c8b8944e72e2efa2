# UPerNet on Swin-T, pixels of own animals (Liu et al., ICCV 2021).
# Published: none; the animals are your own. On ADE20K: mIoU 44.51, one scale, 160k steps.
# Needs: own outlines as COCO files (data/README.md); Swin-T of ImageNet.
# Departs: 4000 steps of 4 crops, not 160k of 16, at the same rate; 300 steps of warm-up, not 1500;
#   labels that are ignored do not count in the mean of the loss.
_base_ = [
    '_base_/models/upernet_swin-t.py',
    '_base_/datasets/cattle_seg.py',
    '_base_/schedules/adamw_poly_4k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}),
    auxiliary_head=dict(num_classes={{_base_.num_classes}}))
