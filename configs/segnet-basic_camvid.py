# SegNet-Basic from random values, CamVid at 240x180 with the schedule of the small FCNs: three quarters
# of an hour on two cores. segnet-basic_camvid-360x480.py is the paper's.
_base_ = [
    '_base_/models/segnet-basic.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/sgd_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
