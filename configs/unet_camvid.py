# A narrow U-Net with padding, CamVid at 240x180, from random values: minutes on a CPU.
_base_ = [
    '_base_/models/unet_narrow.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/sgd_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
