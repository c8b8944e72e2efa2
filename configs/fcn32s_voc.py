# FCN-32s on VOC 2012, from VGG16 of ImageNet. Next stage: fcn16s_voc.py.
_base_ = [
    '_base_/models/fcn_vgg16.py',
    '_base_/datasets/voc_whole.py',
    '_base_/schedules/fcn_heavy_100k.py',
]
model = dict(decode_head=dict(stride=32, num_classes={{_base_.num_classes}}))
