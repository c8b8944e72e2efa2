# U-Net (Ronneberger, Fischer, Brox, arXiv 1505.04597) with padding, so that it answers for every
# pixel, and batch norm, which its time did not have. From random values.
_base_ = './segmentor.py'
width = 64
model = dict(
    data_preprocessor=dict(size_divisor=1),
    backbone=dict(
        type='UNetEncoder',
        base_channels=width,
        padding='same',
        norm_cfg=dict(type='BN', requires_grad=True)),
    decode_head=dict(
        type='UNetHead',
        in_channels=[width, 2 * width, 4 * width, 8 * width, 16 * width],
        padding='same',
        norm_cfg=dict(type='BN', requires_grad=True),
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
