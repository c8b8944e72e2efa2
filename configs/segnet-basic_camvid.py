# SegNet-Basic from random values, CamVid at 240x180 for as many steps as the small networks: three quarters
# of an hour on two cores. segnet-basic_camvid-360x480.py is the paper's.
_base_ = [
    '_base_/models/segnet-basic.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/adamw_fast_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
# nothing is pretrained
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.0))))
