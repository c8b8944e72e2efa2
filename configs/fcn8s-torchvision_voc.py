# FCN-8s at once on torchvision's VGG16, PASCAL VOC 2012 (after Shelhamer et al., PAMI 2017).
# Published: none; the published networks start from Caffe's VGG16.
# Needs: VOC 2012, SBD and seg11valid.txt; torchvision's VGG16 through tools/convert_vgg16.py.
# Departs: torchvision's weights and RGB images of mean 0 and deviation 1; the skips are scaled by
#   0.3 and 0.003, 30 times the published 0.01 and 0.0001; no padding by 100; images are drawn
#   without replacement; validation masks of VOC 2012, not 2011; the rate is that of Caffe, untried
#   with these weights.
# What a score learns goes with the square of what it sees, and torchvision's pool4 is some 30
# times smaller than Caffe's. Rate, momentum and 300k steps are those of fcn8s-atonce_voc.py.
_base_ = [
    '_base_/models/fcn_vgg16-torchvision.py',
    '_base_/datasets/voc_whole_sbd.py',
    '_base_/schedules/fcn_heavy_100k.py',
]
model = dict(
    decode_head=dict(
        at_once=True, skip_scales=(0.3, 0.003), num_classes={{_base_.num_classes}}))
train_cfg = dict(max_iters=300000)
