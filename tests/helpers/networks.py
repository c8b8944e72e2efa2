"""A narrow network for each backbone and each decode head, for the suites over all of them."""
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

VGG = dict(type='FCNVGG16', base_channels=4, fc_channels=16)
VGG_BN = dict(VGG, norm_cfg=dict(type='BN'))
ALEXNET = dict(type='AlexNet', widen_factor=1 / 8, fc_channels=16)
GOOGLENET = dict(type='GoogLeNet', widen_factor=1 / 16)
RESNET = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, norm_cfg=dict(type='BN'))
MOBILENET = dict(type='MobileNetV2', widen_factor=0.25, out_indices=(1, 2, 4, 6),
                 norm_cfg=dict(type='BN'))
SWIN = dict(type='SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1),
            out_indices=(1, 2, 3))
CASCADED = dict(type='CascadedResNet', depth=18, base_channels=8, stem_channels=8,
                unit_rates=(1, 2), norm_cfg=dict(type='BN'))
XCEPTION = dict(type='Xception65', widen_factor=1 / 16, middle_units=1, multi_grid=(1, 2, 4))
DEEPLAB = dict(type='DeepLabVGG16', base_channels=4, fc_channels=16)
MSC = dict(DEEPLAB, out_indices=('data', 'pool1', 'pool2', 'pool3', 'pool4', 'fc7'))

SEGNET = dict(type='SegNetHead', in_channels=32,
              stages=((32, 32, 32), (32, 32, 16), (16, 16, 8), (8, 4), (4, )))
BASIC = dict(type='SegNetHead', in_channels=8, stages=((8, ), ) * 4, kernel_size=7,
             classifier_size=1, relu=False, bias=False)


def skip(in_channels, **kwargs):
    return dict(type='FCNSkipHead', in_channels=in_channels, **kwargs)


def pooled(kind, in_channels, **kwargs):
    return dict(type=kind, in_channels=in_channels, channels=8, norm_cfg=dict(type='BN'), **kwargs)


def refine(in_channels, cascade):
    return dict(type='RefineNetHead', in_channels=in_channels, channels=8, coarse_channels=16,
                cascade=cascade)


NETWORKS = {
    'fcn8s-vgg': (VGG, skip([16, 32, 16])),
    'fcn16s-vgg': (VGG, skip([16, 32, 16], stride=16)),
    'fcn32s-vgg': (VGG, skip([16, 32, 16], stride=32)),
    'fcn8s-vgg-bn': (VGG_BN, skip([16, 32, 16], upsample='bilinear')),
    'fcn8s-vgg-atonce': (VGG, skip([16, 32, 16], at_once=True, learn_upsample=False)),
    'fcn8s-vgg-caffe': (dict(VGG, geometry='caffe'), skip([16, 32, 16], geometry='caffe')),
    'fcn32s-vgg-caffe': (dict(VGG, geometry='caffe'),
                         skip([16, 32, 16], geometry='caffe', stride=32)),
    'fcn32s-alexnet': (ALEXNET, skip([16], stride=32, last_kernel=63, last_offset=15)),
    'fcn32s-alexnet-caffe': (dict(ALEXNET, geometry='caffe'),
                             skip([16], stride=32, geometry='caffe', last_kernel=63,
                                  last_offset=18, learn_upsample=False)),
    'fcn32s-alexnet-torchvision': (dict(ALEXNET, variant='torchvision'),
                                   skip([16], stride=32, last_kernel=63, last_offset=15)),
    'fcn32s-googlenet': (GOOGLENET, skip([64], stride=32, last_kernel=63, last_offset=31)),
    'fcn8s-googlenet-torchvision': (dict(GOOGLENET, variant='torchvision'), skip([30, 52, 64])),
    'fcn8s-r18': (RESNET, skip([16, 32, 64])),
    'fcn8s-mnv2': (MOBILENET, skip([8, 24, 80], dropout_ratio=0.1)),
    'fcn8s-swin': (SWIN, skip([16, 32, 64])),
    'pspnet-r18': (RESNET, pooled('PSPHead', 64)),
    'deeplabv3-r18': (RESNET, pooled('ASPPHead', 64)),
    'deeplabv3-cascaded-r18': (CASCADED, dict(type='FCNHead', in_channels=64, channels=64,
                                              num_convs=0, concat_input=False)),
    'deeplabv3plus-r18': (RESNET, pooled('DeepLabV3PlusHead', 64, in_index=3, c1_in_channels=8,
                                         c1_channels=4)),
    'deeplabv3plus-xception': (XCEPTION, pooled('DepthwiseSeparableASPPHead', 128, in_index=3,
                                                c1_in_channels=16, c1_channels=4)),
    'deeplabv1': (DEEPLAB, dict(type='DeepLabLargeFOVHead', in_channels=16)),
    'deeplabv1-msc': (MSC, dict(type='DeepLabMScHead', in_channels=[3, 4, 8, 16, 32, 16],
                                branch_channels=8)),
    'deeplabv2-vgg': (dict(DEEPLAB, fc_channels=None, out_indices=('pool5', )),
                      dict(type='ASPPSumHead', in_channels=32, fc_channels=8)),
    'deeplabv2-r18': (dict(RESNET, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)),
                      dict(type='ASPPSumHead', in_channels=64), 'MultiScaleEncoderDecoder'),
    'unet': (dict(type='UNetEncoder', base_channels=3),
             dict(type='UNetHead', in_channels=[3, 6, 12, 24, 48])),
    'unet-bn': (dict(type='UNetEncoder', base_channels=4, num_levels=3, norm_cfg=dict(type='BN')),
                dict(type='UNetHead', in_channels=[4, 8, 16], norm_cfg=dict(type='BN'))),
    'unet-unpadded': (dict(type='UNetEncoder', base_channels=3, num_levels=4, padding='valid'),
                      dict(type='UNetHead', in_channels=[3, 6, 12, 24], padding='valid'),
                      'UnpaddedEncoderDecoder'),
    'segnet': (dict(type='SegNetVGG16', base_channels=4), SEGNET),
    'segnet-basic': (dict(type='SegNetBasic', channels=8), BASIC),
    'refinenet-r18': (RESNET, refine([8, 16, 32, 64], 4)),
    'refinenet-2-mnv2': (MOBILENET, refine([8, 8, 24, 80], 2)),
}


def build(name: str, num_classes: int = 21, **head):
    backbone, decode_head, kind = (*NETWORKS[name], 'EncoderDecoder')[:3]
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type=kind, backbone=backbone, test_cfg=ConfigDict(mode='whole'),
        decode_head=dict(decode_head, num_classes=num_classes, **head)))
    model.init_weights()
    # the score layers start at zero, which would hide everything behind them
    for parameter in model.decode_head.parameters():
        if parameter.requires_grad and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def fitting(model, size):
    """The size, or for a network without padding one that fits it."""
    return getattr(model.decode_head, 'fitting_size', tuple)(size)


def samples(size, num_classes: int, number: int):
    labels = torch.randint(num_classes, (number, 1, *size))
    labels[:, :, :3] = 255
    return [
        SegDataSample(gt_sem_seg=PixelData(data=label),
                      metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size))
        for label in labels
    ]
