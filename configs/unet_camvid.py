# A narrow U-Net with padding, CamVid at 240x180, from random values: minutes on a CPU.
_base_ = [
    '_base_/models/unet_narrow.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/adamw_fast_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
# nothing is pretrained
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.0))))
