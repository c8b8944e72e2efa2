# DeepLab v2 on ResNet-101, VOC 2012 with SBD, with the paper's schedule. The paper starts from a model
# of COCO, here it is one of ImageNet.
_base_ = [
    '_base_/models/deeplabv2_r101.py',
    '_base_/datasets/voc_sbd_321_scaled.py',
    '_base_/schedules/deeplabv2_20k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
