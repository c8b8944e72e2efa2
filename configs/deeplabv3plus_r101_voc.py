# DeepLabv3+ on ResNet-101 at output stride 16, VOC 2012 with SBD, with the paper's schedule, which is
# that of DeepLabv3.
_base_ = [
    '_base_/models/deeplabv3plus_r101-d16.py',
    '_base_/datasets/voc_sbd_513.py',
    '_base_/schedules/deeplabv3_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
