# DeepLabv3+ (Chen et al., arXiv 1802.02611) on ResNet-101 with multi-grid, much as U2PL was measured:
# the backbone and the ASPP at stride 8, plain convolutions with 256 maps everywhere in the decoder. The
# published network has a stem of 64, 64 and 128 maps where V1c has 32, 32 and 64, and drops out after
# each convolution of the decoder, not the last one alone.
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
        contract_dilation=True,
        # 2, 2, 4 times the dilation of the stage before and of this one, as published
        multi_grid=(4, 8, 16),
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=resnet101)),
    decode_head=dict(
        type='DeepLabV3PlusHead',
        in_channels=2048,
        in_index=3,
        channels=256,
        dilations=(1, 12, 24, 36),
        fuse_size=3,
        c1_in_channels=256,
        c1_channels=256,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
weights_from = {
    resnet101: 'Get resnet101_v1c-e67eebb6.pth from the model zoo of MMSegmentation as '
               'weights/resnet101_v1c.pth, or set RESNET101_V1C_WEIGHTS. From random values this '
               'network hardly learns.',
}
