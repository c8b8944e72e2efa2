# SegNet (Badrinarayanan, Kendall, Cipolla, arXiv 1511.00561) on VGG16 with batch norm.
_base_ = './segmentor.py'
vgg16_bn = '{{$SEGNET_VGG16_BN_WEIGHTS:weights/vgg16_bn_segnet.pth}}'
model = dict(
    backbone=dict(
        type='SegNetVGG16',
        init_cfg=dict(type='Pretrained', checkpoint=vgg16_bn)),
    decode_head=dict(
        type='SegNetHead',
        in_channels=512,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
weights_from = {
    vgg16_bn: "Get torchvision's VGG16-BN (vgg16_bn-6c64b313.pth from download.pytorch.org/models) "
              'and run python tools/convert_vgg16.py vgg16_bn-6c64b313.pth '
              'weights/vgg16_bn_segnet.pth --network segnet, or set SEGNET_VGG16_BN_WEIGHTS. '
              'Training from random values works, but needs longer.',
}
