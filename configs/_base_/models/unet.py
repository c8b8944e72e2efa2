# U-Net (Ronneberger, Fischer, Brox, arXiv 1505.04597) with padding, so that it answers for every
# pixel, and batch norm, which its time did not have. From random values.
width = 64
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=1),
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
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
