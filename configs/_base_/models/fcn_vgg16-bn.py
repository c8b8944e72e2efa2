# FCN on VGG16 with batch norm after each convolution, as in MindSpore's model zoo.
_base_ = './fcn.py'
vgg16_bn = '{{$VGG16_BN_WEIGHTS:weights/vgg16_bn.pth}}'
model = dict(
    backbone=dict(
        type='FCNVGG16',
        geometry='same',
        norm_cfg=dict(type='BN'),
        dropout_ratio=0.,
        init_cfg=dict(type='Pretrained', checkpoint=vgg16_bn)),
    decode_head=dict(
        in_channels=[256, 512, 4096],
        geometry='same',
        dropout_ratio=0.))
weights_from = {
    vgg16_bn: "Get torchvision's VGG16-BN (vgg16_bn-6c64b313.pth from download.pytorch.org/models) "
              'and run python tools/convert_vgg16.py vgg16_bn-6c64b313.pth weights/vgg16_bn.pth, '
              'or set VGG16_BN_WEIGHTS. Training from random values works, but needs longer.',
}
