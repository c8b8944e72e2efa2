# U-Net with padding and batch norm on VOC 2012, from random values. The paper has no VOC.
_base_ = [
    '_base_/models/unet.py',
    '_base_/datasets/voc.py',
    '_base_/schedules/sgd_poly_20k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
