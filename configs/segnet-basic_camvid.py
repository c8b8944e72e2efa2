# SegNet-Basic, CamVid at 240x180 (Badrinarayanan, Kendall and Cipolla, PAMI 2017).
# Published: none; segnet-basic_camvid-360x480.py is the paper's.
# Needs: CamVid (data/README.md).
# Departs: made to train in three quarters of an hour on two cores. AdamW 0.003, 800 steps of 8
#   crops of 160x208, scaled by 0.5 to 2, mirrored, in other colours, where the paper has SGD 0.1
#   and 12 whole images of 480x360 a step; classes unbalanced; RGB normalised as for ImageNet, where
#   it has normalised contrast.
# Measured: mIoU 36.0 on the 101 validation images, one run.
_base_ = [
    '_base_/models/segnet-basic.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/adamw_fast_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
# nothing is pretrained
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.0))))
