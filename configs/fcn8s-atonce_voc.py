# FCN-8s at once on Caffe's VGG16, PASCAL VOC 2012 (Shelhamer, Long and Darrell, PAMI 2017).
# Published: mIoU 65.4 on seg11valid (736 images), one scale, no CRF.
# Needs: VOC 2012, SBD and seg11valid.txt; Caffe's VGG16 through tools/convert_vgg16.py.
# Departs: images are drawn without replacement; validation masks of VOC 2012, not 2011.
# One training of 300k steps, with scaled skips instead of stages. The scales belong to Caffe's
# VGG16: with torchvision's take fcn8s-torchvision_voc.py.
_base_ = './fcn32s_voc.py'
model = dict(decode_head=dict(stride=8, at_once=True))
train_cfg = dict(max_iters=300000)
