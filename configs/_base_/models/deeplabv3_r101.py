# DeepLabv3 (Chen et al., arXiv 1706.05587) on ResNet-101 at stride 16: multi-grid 1, 2, 4, ASPP with
# image pooling. The head is MMSegmentation's, whose last convolution before the classifier is 3x3
# where the paper has 1x1.
# V1c has three 3x3 convolutions of 32, 32 and 64 maps in place of the 7x7 one of 64; those of the
# published code have 64, 64 and 128. torchvision's ResNet-101, with the 7x7 one of the paper, loads as
# it is too: model.backbone.type=ResNet and its file in RESNET101_V1C_WEIGHTS.
# Image pooling leaves one value a channel: train with two images a process at least, or frozen norms.
_base_ = './segmentor.py'
resnet101 = '{{$RESNET101_V1C_WEIGHTS:weights/resnet101_v1c.pth}}'
# decay 0.9997, as published
norm_cfg = dict(type='BN', requires_grad=True, momentum=3e-4)
# several processes share their statistics
sync_bn = 'torch'
model = dict(
    backbone=dict(
        type='ResNetV1c',
        depth=101,
        out_indices=(0, 1, 2, 3),
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        # 1, 2, 4 times the dilation of the stage
        multi_grid=(2, 4, 8),
        contract_dilation=True,
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=resnet101)),
    decode_head=dict(
        type='ASPPHead',
        in_channels=2048,
        in_index=3,
        channels=256,
        dilations=(1, 6, 12, 18),
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
weights_from = {
    resnet101: 'Get resnet101_v1c-e67eebb6.pth from the model zoo of MMSegmentation as '
               'weights/resnet101_v1c.pth, or set RESNET101_V1C_WEIGHTS. From random values this '
               'network hardly learns.',
}
