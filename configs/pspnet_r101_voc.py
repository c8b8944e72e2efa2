# PSPNet on ResNet-101, VOC 2012 with SBD, with the paper's schedule. Its 85.4 % of the test set also
# needs COCO and six scales.
_base_ = [
    '_base_/models/pspnet_r101.py',
    '_base_/datasets/voc_sbd_473.py',
    '_base_/schedules/pspnet_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}),
    auxiliary_head=dict(num_classes={{_base_.num_classes}}))
