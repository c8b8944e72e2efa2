# UPerNet on Swin-T: which pixels of your own images show animals.
_base_ = [
    '_base_/models/upernet_swin-t.py',
    '_base_/datasets/cattle_seg.py',
    '_base_/schedules/adamw_poly_4k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}),
    auxiliary_head=dict(num_classes={{_base_.num_classes}}))
