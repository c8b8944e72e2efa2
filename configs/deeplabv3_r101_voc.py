# DeepLabv3 on ResNet-101 at output stride 16, VOC 2012 with SBD, with the paper's schedule.
# The paper tests the same weights at output stride 8, which is the network of deeplabv3_r101-d8_voc.py:
# python tools/test.py configs/deeplabv3_r101-d8_voc.py work_dirs/deeplabv3_r101_voc/iter_30000.pth
_base_ = [
    '_base_/models/deeplabv3_r101.py',
    '_base_/datasets/voc_sbd_513.py',
    '_base_/schedules/deeplabv3_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
