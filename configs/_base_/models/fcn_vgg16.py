# FCN on VGG16 as published (Long, Shelhamer, Darrell, arXiv 1411.4038): Caffe's network and
# weights, for BGR images of 0..255 without their mean.
_base_ = './fcn.py'
vgg16_caffe = '{{$VGG16_CAFFE_WEIGHTS:weights/vgg16_caffe.pth}}'
model = dict(
    data_preprocessor=dict(
        mean=[104.00698793, 116.66876762, 122.67891434], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(
        type='FCNVGG16',
        geometry='caffe',
        init_cfg=dict(type='Pretrained', checkpoint=vgg16_caffe)),
    decode_head=dict(
        in_channels=[256, 512, 4096],
        geometry='caffe',
        # the published interpolation stays as it is; True lets it learn
        learn_upsample=False,
        # the backbone drops out after fc6 and fc7
        dropout_ratio=0.,
        # the published loss is summed over the pixels of an image
        loss_decode=dict(type='CrossEntropyLoss', reduction='sum')))
weights_from = {
    vgg16_caffe: "Get the authors' VGG16 in PyTorch (vgg16-00b39a1b.pth of jcjohnson/pytorch-vgg) "
                 'and run python tools/convert_vgg16.py vgg16-00b39a1b.pth weights/vgg16_caffe.pth, '
                 "or set VGG16_CAFFE_WEIGHTS. With torchvision's VGG16 take "
                 'configs/fcn8s-torchvision_voc.py, without any configs/fcn8s-bn_voc.py, which has '
                 'batch norm.',
}
