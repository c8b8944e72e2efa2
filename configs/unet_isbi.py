# A narrow U-Net with padding, ISBI 2012 (Ronneberger, Fischer and Brox, MICCAI 2015).
# Published: none; see unet-paper_isbi.py.
# Needs: ISBI 2012 in folds, by tools/data/prepare_isbi.py.
# Departs: made to train in minutes on a CPU. 16 maps at the first level, where the paper has 64;
#   padding and batch norm, where it has neither; AdamW 0.003 after a warm-up, poly, 300 steps of 4
#   crops of 256, where it has SGD of momentum 0.99 and one tile of 572 a step; what else
#   unet-paper_isbi.py names of its data.
# Measured: pixel error 15.7, IoU of the cells 80.1, means of three folds, before grey values
#   varied.
# FOLD=1 python tools/train.py configs/unet_isbi.py trains the second of three folds.
_base_ = [
    '_base_/models/unet_narrow.py',
    '_base_/datasets/isbi.py',
    '_base_/schedules/adamw_poly_300.py',
]
work_dir = 'work_dirs/unet_isbi/fold{{$FOLD:0}}'
model = dict(
    data_preprocessor={{_base_.preprocessing}},
    backbone=dict(in_channels=1),
    decode_head=dict(num_classes={{_base_.num_classes}}))
