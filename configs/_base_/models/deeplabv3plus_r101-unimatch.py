# DeepLabv3+ on ResNet-101 as UniMatch was measured: stride 16 without multi-grid, the stem of 64, 64 and
# 128 maps, ASPP and decoder of plain convolutions, no dropout.
_base_ = './deeplabv3plus_r101-d16.py'
stem128 = '{{$RESNET101_STEM128_WEIGHTS:weights/resnet101_stem128.pth}}'
norm_cfg = dict(type='BN', requires_grad=True, momentum=0.1)
model = dict(
    backbone=dict(
        stem_channels=128,
        # the first block of the last stage keeps the dilation of the stage before
        multi_grid=(1, 2, 2),
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=stem128)),
    decode_head=dict(dropout_ratio=0., norm_cfg=norm_cfg))
weights_from = {
    stem128: 'Get a ResNet-101 of ImageNet with a stem of 64, 64 and 128 maps under the names of '
             'MMSegmentation as weights/resnet101_stem128.pth, or set RESNET101_STEM128_WEIGHTS. In '
             "that of hszhao/semseg (resnet101_v2.pth) the stem's conv1, bn1, conv2, bn2, conv3 and "
             'bn3 become stem.0, stem.1, stem.3, stem.4, stem.6 and stem.7. From random values this '
             'network hardly learns.',
}
