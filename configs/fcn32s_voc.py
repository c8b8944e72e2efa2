# FCN-32s on Caffe's VGG16, PASCAL VOC 2012 (Shelhamer, Long and Darrell, PAMI 2017).
# Published: mIoU 63.6 on seg11valid (736 images), one scale, no CRF.
# Needs: VOC 2012, SBD and seg11valid.txt; Caffe's VGG16 through tools/convert_vgg16.py.
# Departs: images are drawn without replacement; validation masks of VOC 2012, not 2011.
# The first of three stages; fcn16s_voc.py goes on, fcn8s-atonce_voc.py needs no stages. Data:
# python tools/data/prepare_voc.py --voc VOC.tar --sbd benchmark.tgz --voc11 seg11valid.txt
_base_ = [
    '_base_/models/fcn_vgg16.py',
    '_base_/datasets/voc_whole_sbd.py',
    '_base_/schedules/fcn_heavy_100k.py',
]
model = dict(decode_head=dict(stride=32, num_classes={{_base_.num_classes}}))
