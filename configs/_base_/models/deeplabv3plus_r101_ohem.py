# The same with an auxiliary head; both learn from hard pixels (OHEM), as U2PL does on Cityscapes.
_base_ = './deeplabv3plus_r101.py'
sampler = dict(type='OHEMPixelSampler', thresh=0.7, min_kept=100000)
model = dict(
    decode_head=dict(sampler=sampler),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg=dict(type='BN', requires_grad=True),
        align_corners=True,
        sampler=sampler,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4, avg_non_ignore=True)))
