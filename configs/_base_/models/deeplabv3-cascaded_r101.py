# The cascaded DeepLabv3 (Chen et al., arXiv 1706.05587, section 3.2): blocks 5 to 7 behind ResNet-101
# and a classifier. Multi-grid 1, 2, 1, the best of table 4.
_base_ = './deeplabv3_r101.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='CascadedResNet',
        depth=101,
        deep_stem=True,
        cascaded_blocks=3,
        unit_rates=(1, 2, 1),
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        contract_dilation=True,
        norm_cfg={{_base_.norm_cfg}},
        init_cfg=dict(type='Pretrained', checkpoint={{_base_.resnet101}})),
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=2048,
        in_index=-1,
        channels=2048,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.1,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
