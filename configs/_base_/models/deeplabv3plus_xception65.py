# DeepLabv3+ (Chen et al., arXiv 1802.02611) on the modified aligned Xception-65 at stride 16, without
# multi-grid; the convolutions of ASPP and decoder are separable. Where the network differs from the paper's text it is that of the published weights: no
# ReLU between the norm of a depthwise convolution and the pointwise one.
_base_ = './deeplabv3plus_r101-d16.py'
xception65 = '{{$XCEPTION65_WEIGHTS:weights/xception65.pth}}'
norm_cfg = dict(type='BN', requires_grad=True, eps=1e-3, momentum=3e-4)
model = dict(
    # to -1 ... 1
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(
        _delete_=True,
        type='Xception65',
        output_stride=16,
        depthwise_relu=False,
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=xception65)),
    decode_head=dict(type='DepthwiseSeparableASPPHead'))
weights_from = {
    xception65: "Get timm's xception65 (tf_xception_65-c9ae96e8.pth) as weights/xception65.pth, or "
                'set XCEPTION65_WEIGHTS: its names fit as they are. From random values this network '
                'hardly learns.',
}
