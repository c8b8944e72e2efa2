# DeepLab v2 (Chen et al., arXiv 1606.00915), ASPP-L on VGG16: four branches of fc6, fc7 and fc8.
_base_ = './segmentor.py'
vgg16 = '{{$DEEPLABV2_VGG16_WEIGHTS:weights/vgg16_deeplabv2.pth}}'
model = dict(
    # the branches start from the weights of ImageNet too, so that the segmentor loads them
    init_cfg=dict(type='Pretrained', checkpoint=vgg16),
    backbone=dict(type='DeepLabVGG16', fc_channels=None, out_indices=('pool5', )),
    decode_head=dict(
        type='ASPPSumHead',
        in_channels=512,
        fc_channels=1024,
        dilations=(6, 12, 18, 24),
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
weights_from = {
    vgg16: "Get torchvision's VGG16 (vgg16-397923af.pth from download.pytorch.org/models) and run "
           'python tools/convert_vgg16.py vgg16-397923af.pth weights/vgg16_deeplabv2.pth --network '
           'deeplabv2, or set DEEPLABV2_VGG16_WEIGHTS. From random values this network hardly '
           'learns.',
}
