# FCN on torchvision's VGG16, for RGB images of mean 0 and deviation 1. Its activations are smaller
# than those of Caffe's VGG16, by a factor of some 30 at pool4.
_base_ = './fcn.py'
vgg16 = '{{$VGG16_WEIGHTS:weights/vgg16.pth}}'
model = dict(
    backbone=dict(
        type='FCNVGG16',
        geometry='same',
        init_cfg=dict(type='Pretrained', checkpoint=vgg16)),
    decode_head=dict(
        in_channels=[256, 512, 4096],
        geometry='same',
        learn_upsample=False,
        # the backbone drops out after fc6 and fc7
        dropout_ratio=0.,
        # the published loss is summed over the pixels of an image
        loss_decode=dict(type='CrossEntropyLoss', reduction='sum')))
weights_from = {
    vgg16: "Get torchvision's VGG16 (vgg16-397923af.pth from download.pytorch.org/models) and run "
           'python tools/convert_vgg16.py vgg16-397923af.pth weights/vgg16.pth, or set '
           'VGG16_WEIGHTS. Without it rather take configs/fcn8s-bn_voc.py, which has batch norm.',
}
