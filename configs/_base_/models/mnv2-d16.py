# MobileNetV2 at output stride 16, for heads that train on a CPU.
_base_ = './segmentor.py'
mobilenet_v2 = '{{$MOBILENETV2_WEIGHTS:weights/mobilenet_v2.pth}}'
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    data_preprocessor=dict(size_divisor=1),
    backbone=dict(
        type='MobileNetV2',
        strides=(1, 2, 2, 2, 1, 1, 1),
        dilations=(1, 1, 1, 1, 1, 2, 2),
        out_indices=(1, 2, 4, 6),
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=mobilenet_v2)))
weights_from = {
    mobilenet_v2: 'Get an ImageNet MobileNetV2 under the names of MMSegmentation (MMPretrain has '
                  'mobilenet_v2_batch256_imagenet) as weights/mobilenet_v2.pth, or set '
                  'MOBILENETV2_WEIGHTS. Training from random values works, but scores less.',
}
