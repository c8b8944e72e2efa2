# DeepLab v1, LargeFOV (Chen et al., arXiv 1412.7062), on VGG16.
_base_ = './segmentor.py'
vgg16 = '{{$DEEPLABV1_VGG16_WEIGHTS:weights/vgg16_deeplabv1.pth}}'
model = dict(
    backbone=dict(
        type='DeepLabVGG16',
        init_cfg=dict(type='Pretrained', checkpoint=vgg16)),
    decode_head=dict(
        type='DeepLabLargeFOVHead',
        in_channels=1024,
        # over the labels at 1/8
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
weights_from = {
    vgg16: "Get torchvision's VGG16 (vgg16-397923af.pth from download.pytorch.org/models) and run "
           'python tools/convert_vgg16.py vgg16-397923af.pth weights/vgg16_deeplabv1.pth --network '
           'deeplabv1, or set DEEPLABV1_VGG16_WEIGHTS. From random values this network hardly '
           'learns.',
}
