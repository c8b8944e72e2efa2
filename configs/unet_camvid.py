# A narrow U-Net with padding, CamVid at 240x180 (Ronneberger, Fischer and Brox, MICCAI 2015).
# Published: none; the paper has images of cells.
# Needs: CamVid (data/README.md).
# Departs: made to train in minutes on a CPU. 16 maps at the first level, where the paper has 64;
#   padding and batch norm, where it has neither; plain cross-entropy; AdamW 0.003 after a warm-up,
#   800 steps of 8 crops of 160x208, scaled by 0.5 to 2, mirrored, in other colours, where it has
#   SGD of momentum 0.99, one tile a step, and elastic deformation.
# Measured: mIoU 40.9 on the 101 validation images, one run.
_base_ = [
    '_base_/models/unet_narrow.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/adamw_fast_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
# nothing is pretrained
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.0))))
