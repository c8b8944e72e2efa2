# A narrow U-Net with padding on ISBI 2012, border weights in the loss: minutes on a CPU.
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
