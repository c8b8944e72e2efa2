# SegNet (Badrinarayanan, Kendall, Cipolla, arXiv 1511.00561) on VGG16 with batch norm.
vgg16_bn = '{{$SEGNET_VGG16_BN_WEIGHTS:weights/vgg16_bn_segnet.pth}}'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255),
    backbone=dict(
        type='SegNetVGG16',
        init_cfg=dict(type='Pretrained', checkpoint=vgg16_bn)),
    decode_head=dict(
        type='SegNetHead',
        in_channels=512,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
weights_from = {
    vgg16_bn: "Get torchvision's VGG16-BN (vgg16_bn-6c64b313.pth from download.pytorch.org/models) "
              'and run python tools/convert_vgg16.py vgg16_bn-6c64b313.pth '
              'weights/vgg16_bn_segnet.pth --network segnet, or set SEGNET_VGG16_BN_WEIGHTS. '
              'Training from random values works, but needs longer.',
}
