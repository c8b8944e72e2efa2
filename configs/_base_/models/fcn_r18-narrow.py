# The skip head of FCN on a ResNet-18 of 16 instead of 64 maps, which learns from random values in
# minutes on a CPU.
_base_ = './fcn.py'
width = 16
model = dict(
    backbone=dict(
        type='ResNet',
        depth=18,
        stem_channels=width,
        base_channels=width,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True)),
    decode_head=dict(in_channels=[2 * width, 4 * width, 8 * width], dropout_ratio=0.))
