# The cascaded DeepLabv3 (blocks 5 to 7) on ResNet-101, VOC 2012 with SBD (Chen et al., arXiv 2017).
# Published: none that was verified; the paper's tables 3 and 4 have this network at output stride
#   16.
# Needs: VOC 2012 and SBD; ResNet-101 V1c of ImageNet from the model zoo of MMSegmentation.
# Departs: the stem has 3x3 convolutions of 32, 32 and 64 maps, in the published code of 64, 64 and
#   128.
# Output stride 16, multi-grid 1, 2, 1.
_base_ = [
    '_base_/models/deeplabv3-cascaded_r101.py',
    '_base_/datasets/voc_sbd_513.py',
    '_base_/schedules/deeplabv3_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(
        size={{_base_.crop_size}}, test_cfg=dict(size={{_base_.test_size}})),
    decode_head=dict(num_classes={{_base_.num_classes}}))
