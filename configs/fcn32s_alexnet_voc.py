# FCN-32s on AlexNet (CaffeNet), PASCAL VOC 2012 with SBD (Long, Shelhamer and Darrell, CVPR 2015).
# Published: mIoU 48.0 on seg11valid (736 images); trained on the 1112 images of VOC 2011 alone,
#   39.8 on its validation set.
# Needs: VOC 2012, SBD and seg11valid.txt; CaffeNet through tools/convert_classifier.py.
# Departs: images are drawn without replacement; validation masks of VOC 2012, not 2011.
# Published weights are scored as they are, in Caffe's names:
# python tools/test.py configs/fcn32s_alexnet_voc.py fcn-alexnet-pascal.pth
_base_ = [
    '_base_/models/fcn32s_alexnet.py',
    '_base_/datasets/voc_whole_sbd.py',
    '_base_/schedules/fcn_accumulated_100k.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
