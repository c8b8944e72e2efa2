# FCN-32s on GoogLeNet, PASCAL VOC 2011 (Long, Shelhamer and Darrell, CVPR 2015).
# Published: mIoU 42.5 on the validation set of VOC 2011.
# Needs: VOC 2012 with the lists of VOC 2011; torchvision's GoogLeNet through
#   tools/convert_classifier.py.
# Departs: torchvision's GoogLeNet with frozen batch norm statistics, 3x3 for 5x5 and a last pooling
#   of 2x2 (the authors' own was never published), on RGB images from -1 to 1; padding and alignment
#   are ours; scored on the 736 images that are not in SBD's training set, masks of VOC 2012; the
#   last of 180 epochs (the best after 175 or more); rate 5e-5 (printed 5^-5), decay 5e-4 of the
#   paper's 5e-4 or 2e-4.
# Lists: python tools/data/prepare_voc.py --sbd benchmark.tgz --voc11 VOCtrainval_25-May-2011.tar
_base_ = [
    '_base_/models/fcn32s_googlenet.py',
    '_base_/datasets/voc11_whole.py',
    '_base_/schedules/fcn_accumulated_175epochs.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
optim_wrapper = dict(optimizer=dict(lr=5e-5))
