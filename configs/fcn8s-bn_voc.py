# FCN-8s with batch norm on VOC 2012, the recipe of MindSpore.
_base_ = [
    '_base_/models/fcn_vgg16-bn.py',
    '_base_/datasets/voc.py',
    '_base_/schedules/cosine_mindspore_66k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
