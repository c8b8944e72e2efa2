# The skip head of FCN on MobileNetV2, which trains on a CPU.
_base_ = './fcn.py'
mobilenet_v2 = '{{$MOBILENETV2_WEIGHTS:weights/mobilenet_v2.pth}}'
model = dict(
    backbone=dict(
        type='MobileNetV2',
        out_indices=(1, 2, 4, 6),
        norm_cfg=dict(type='BN', requires_grad=True),
        init_cfg=dict(type='Pretrained', checkpoint=mobilenet_v2)),
    decode_head=dict(in_channels=[32, 96, 320]))
weights_from = {
    mobilenet_v2: 'Get an ImageNet MobileNetV2 under the names of MMSegmentation (MMPretrain has '
                  'mobilenet_v2_batch256_imagenet) as weights/mobilenet_v2.pth, or set '
                  'MOBILENETV2_WEIGHTS. Training from random values works, but scores less.',
}
