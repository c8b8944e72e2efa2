# FCN-8s on VGG16 with batch norm, PASCAL VOC 2012 with SBD (MindSpore's tutorial FCN8s).
# Published: none; the tutorial shows one epoch on part of the data. MindSpore's model zoo has mIoU
#   64.7 on val (1449 images) with this network and other rates (batch 32, 0.015, 500 epochs).
# Needs: VOC 2012 and SBD; torchvision's VGG16-BN through tools/convert_vgg16.py; a GPU for
#   mixed precision, or --no-amp.
# Departs: torchvision's VGG16-BN on RGB, with fc6 and fc7 (MindSpore's own weights of conv1 to
#   conv5 on BGR); scores start at zero and upsampling as bilinear (Xavier); 66000 steps of cosine
#   from 0.05 to 0.0005 (the tutorial's one epoch stays at 0.05); the loss scale doubles after 3000
#   steps (the tutorial hands 4 and 3000 over as scale and factor); scored on whole images (on
#   crops).
# What the network is fed, scores and predicts, in pictures:
# python tools/browse.py configs/fcn8s-bn_voc.py
# python tools/test.py configs/fcn8s-bn_voc.py work_dirs/fcn8s-bn_voc/iter_66000.pth --show-dir show
_base_ = [
    '_base_/models/fcn_vgg16-bn.py',
    '_base_/datasets/voc_sbd_512.py',
    '_base_/schedules/cosine_mindspore_66k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
