# DeepLabv3+ on ResNet-101 at output stride 16, VOC 2012 with SBD (Chen et al., ECCV 2018).
# Published: mIoU 78.85 on val, one scale; 79.35 with the same weights at output stride 8.
# Needs: VOC 2012 and SBD; ResNet-101 V1c of ImageNet from the model zoo of MMSegmentation.
# Departs: the stem has 3x3 convolutions of 32, 32 and 64 maps, in the published code of 64, 64 and
#   128.
# The schedule is that of DeepLabv3. The convolutions of ASPP and decoder are plain, as in the
# paper's rows on ResNet-101.
_base_ = [
    '_base_/models/deeplabv3plus_r101-d16.py',
    '_base_/datasets/voc_sbd_513.py',
    '_base_/schedules/deeplabv3_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(
        size={{_base_.crop_size}}, test_cfg=dict(size={{_base_.test_size}})),
    decode_head=dict(num_classes={{_base_.num_classes}}))
