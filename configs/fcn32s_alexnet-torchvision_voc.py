# FCN-32s on torchvision's AlexNet, PASCAL VOC 2011 (after Long, Shelhamer and Darrell, CVPR 2015).
# Published: none; with CaffeNet mIoU 39.8 on the validation set of VOC 2011.
# Needs: VOC 2012 with the lists of VOC 2011; torchvision's AlexNet through
#   tools/convert_classifier.py.
# Departs: AlexNet of one tower without local response norm, on RGB images of mean 0 and deviation
#   1; no padding by 100; scored on the 736 images that are not in SBD's training set, masks of VOC
#   2012; the last of 180 epochs (the best after 175 or more); the paper leaves decay 5e-4 or 2e-4
#   open.
# Twin of fcn32s_googlenet_voc.py. Lists:
# python tools/data/prepare_voc.py --sbd benchmark.tgz --voc11 VOCtrainval_25-May-2011.tar
_base_ = [
    '_base_/models/fcn32s_alexnet-torchvision.py',
    '_base_/datasets/voc11_whole.py',
    '_base_/schedules/fcn_accumulated_175epochs.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
