# PSPNet (Zhao et al., arXiv 1612.01105) on ResNet-101 at stride 8: the pyramid 1, 2, 3, 6, an auxiliary
# loss of 0.4 on stage 4. The head is MMSegmentation's. The published stem has 64, 64 and 128 maps, twice
# those of ResNetV1c, for which weights are at hand; stem_channels=128 makes it.
# The pyramid's first level has one value a channel: train with two images a process at least, or with
# norm_cfg=dict(type='FrozenBN').
_base_ = './segmentor.py'
resnet101 = '{{$RESNET101_V1C_WEIGHTS:weights/resnet101_v1c.pth}}'
norm_cfg = dict(type='BN', requires_grad=True)
# several processes share their statistics
sync_bn = 'torch'
model = dict(
    backbone=dict(
        type='ResNetV1c',
        depth=101,
        out_indices=(0, 1, 2, 3),
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=resnet101)),
    decode_head=dict(
        type='PSPHead',
        in_channels=2048,
        in_index=3,
        channels=512,
        pool_scales=(1, 2, 3, 6),
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4, avg_non_ignore=True)))
weights_from = {
    resnet101: 'Get resnet101_v1c-e67eebb6.pth from the model zoo of MMSegmentation as '
               'weights/resnet101_v1c.pth, or set RESNET101_V1C_WEIGHTS. From random values this '
               'network hardly learns.',
}
