# DeepLabv3+ (Chen et al., arXiv 1802.02611) on MobileNetV2 at stride 16 with a slim decoder: trains on
# a CPU.
_base_ = './mnv2-d16.py'
model = dict(
    decode_head=dict(
        type='DepthwiseSeparableASPPHead',
        in_channels=320,
        in_index=3,
        channels=96,
        # for maps of a dozen positions a side, as crops of 176 pixels give
        dilations=(1, 3, 6),
        c1_in_channels=24,
        c1_channels=24,
        dropout_ratio=0.1,
        norm_cfg={{_base_.norm_cfg}},
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
