# FCN-8s on generated barn scenes, from random values: the demo, minutes on a CPU.
_base_ = [
    '_base_/models/fcn_r18-narrow.py',
    '_base_/datasets/barn.py',
    '_base_/schedules/adamw_poly_1200.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
