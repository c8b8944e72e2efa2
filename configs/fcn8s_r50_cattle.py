# FCN-8s on ResNet-50: which pixels of your own images show animals.
_base_ = [
    '_base_/models/fcn_r50.py',
    '_base_/datasets/cattle_seg.py',
    '_base_/schedules/sgd_poly_4k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
