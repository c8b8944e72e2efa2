# DeepLabv3 (Chen et al., arXiv 1706.05587) on MobileNetV2 at stride 16 with a slim head: trains on a CPU.
_base_ = './mnv2-d16.py'
model = dict(
    decode_head=dict(
        type='ASPPHead',
        in_channels=320,
        in_index=3,
        channels=96,
        # for maps of a dozen positions a side, as crops of 176 pixels give
        dilations=(1, 3, 6),
        dropout_ratio=0.1,
        norm_cfg={{_base_.norm_cfg}},
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
