# DeepLabv3+ on Xception-65 at output stride 16, VOC 2012 with SBD, with the paper's schedule. The paper's
# best numbers also need pretraining on COCO and JFT. The weight decay is the published code's.
_base_ = [
    '_base_/models/deeplabv3plus_xception65.py',
    '_base_/datasets/voc_sbd_513.py',
    '_base_/schedules/deeplabv3_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
optim_wrapper = dict(optimizer=dict(weight_decay=4e-5))
