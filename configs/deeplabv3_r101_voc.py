# DeepLabv3 on ResNet-101 at output stride 16, VOC 2012 with SBD (Chen et al., arXiv 2017).
# Published: mIoU 77.21 on val, one scale; 78.51 with the same weights at output stride 8.
# Needs: VOC 2012 and SBD; ResNet-101 V1c of ImageNet from the model zoo of MMSegmentation.
# Departs: the convolution behind the ASPP is 3x3, in the paper 1x1; the stem has 3x3 convolutions
#   of 32, 32 and 64 maps, in the published code of 64, 64 and 128.
# At output stride 8 the weights are tested by the network of deeplabv3_r101-d8_voc.py:
# python tools/test.py configs/deeplabv3_r101-d8_voc.py work_dirs/deeplabv3_r101_voc/iter_30000.pth
_base_ = [
    '_base_/models/deeplabv3_r101.py',
    '_base_/datasets/voc_sbd_513.py',
    '_base_/schedules/deeplabv3_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(
        size={{_base_.crop_size}}, test_cfg=dict(size={{_base_.test_size}})),
    decode_head=dict(num_classes={{_base_.num_classes}}))
