# FCN-8s on MobileNetV2, CamVid at 240x180: minutes on a CPU.
_base_ = [
    '_base_/models/fcn_mnv2.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/sgd_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
