# SegNet-Basic on CamVid as in the paper (arXiv 1511.00561, section 3.2): whole images of 480x360, 12 a
# step, normalised contrast, SGD 0.1, the classes balanced by median frequency. The paper trains until
# the loss settles.
_base_ = [
    '_base_/models/segnet-basic.py',
    '_base_/datasets/camvid_480.py',
    '_base_/schedules/segnet-basic_10k.py',
]
model = dict(
    # the backbone normalises the contrast of 0..255
    data_preprocessor=dict(mean=[0., 0., 0.], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(local_response_norm=True),
    decode_head=dict(
        num_classes={{_base_.num_classes}},
        # python tools/data/class_weights.py configs/segnet-basic_camvid-360x480.py
        loss_decode=dict(
            _delete_=True,
            type='BalancedCrossEntropyLoss',
            class_weight=[
                0.2793, 0.2017, 4.787, 0.149, 1.0, 0.4217, 3.847, 1.974, 0.7889, 6.375, 8.859
            ])))
