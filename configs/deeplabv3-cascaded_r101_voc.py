# The cascaded DeepLabv3 (blocks 5 to 7) on ResNet-101 at output stride 16, VOC 2012 with SBD, with the
# paper's schedule.
_base_ = [
    '_base_/models/deeplabv3-cascaded_r101.py',
    '_base_/datasets/voc_sbd_513.py',
    '_base_/schedules/deeplabv3_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
