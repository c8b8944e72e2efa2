# PSPNet (Zhao et al., arXiv 1612.01105) on MobileNetV2 at stride 16 with a slim head: trains on a CPU.
_base_ = './mnv2-d16.py'
model = dict(
    decode_head=dict(
        type='PSPHead',
        in_channels=320,
        in_index=3,
        channels=96,
        pool_scales=(1, 2, 3, 6),
        dropout_ratio=0.1,
        norm_cfg={{_base_.norm_cfg}},
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=96,
        in_index=2,
        channels=48,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg={{_base_.norm_cfg}},
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4, avg_non_ignore=True)))
