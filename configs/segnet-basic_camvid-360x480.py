# SegNet-Basic, CamVid at 360x480 (Badrinarayanan, Kendall and Cipolla, PAMI 2017, section 3).
# Published: mIoU 47.7, global accuracy 82.7, class average 62.0 on the 233 test images (table 1).
# Needs: CamVid at 480x360 with its test part (data/README.md).
# Departs: 10000 steps, as in the published solver, where the paper trains until the loss settles;
#   class weights computed from the label maps at hand, where the published prototxt has a list of
#   its own; running statistics of batch norm, where the authors take those of the whole training
#   set; no biases, as in the paper, where the prototxt has them before batch norm, which undoes
#   them.
# With the class weights of the published prototxt:
# CAMVID_WEIGHTS=published python tools/train.py configs/segnet-basic_camvid-360x480.py
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
        loss_decode=dict(
            _delete_=True,
            type='BalancedCrossEntropyLoss',
            class_weight={{_base_.class_weight}})))
