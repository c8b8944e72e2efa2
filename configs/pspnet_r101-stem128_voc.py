# PSPNet on ResNet-101 with the published stem, VOC 2012 with SBD (Zhao et al., CVPR 2017).
# Published: mIoU 79.07 on val, one scale, mirrored, of 50 rounds, by the authors' PyTorch code;
#   85.41 on test with COCO and six scales.
# Needs: VOC 2012 and SBD; a ResNet-101 of ImageNet with a stem of 64, 64 and 128 maps.
# Departs: as pspnet_r101_voc.py, but for the stem.
_base_ = './pspnet_r101_voc.py'
stem128 = '{{$RESNET101_STEM128_WEIGHTS:weights/resnet101_stem128.pth}}'
model = dict(
    backbone=dict(
        stem_channels=128,
        init_cfg=dict(type='Pretrained', checkpoint=stem128)))
weights_from = {
    stem128: 'Get a ResNet-101 of ImageNet with a stem of 64, 64 and 128 maps under the names of '
             'MMSegmentation as weights/resnet101_stem128.pth, or set RESNET101_STEM128_WEIGHTS. In '
             "that of hszhao/semseg (resnet101_v2.pth) the stem's conv1, bn1, conv2, bn2, conv3 and "
             'bn3 become stem.0, stem.1, stem.3, stem.4, stem.6 and stem.7. From random values this '
             'network hardly learns.',
}
