# RefineNet on ResNet-101, VOC 2012. Rates, crops and sizes are those published with the paper, which
# adds images of SBD and COCO for its best scores and averages predictions of several sizes
# (tools/test.py --tta).
_base_ = [
    '_base_/models/refinenet_r101.py',
    '_base_/datasets/voc_400.py',
    '_base_/schedules/refinenet_120k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
