# FCN-8s on ResNet-50, VOC 2012.
_base_ = [
    '_base_/models/fcn_r50.py',
    '_base_/datasets/voc.py',
    '_base_/schedules/sgd_poly_20k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
