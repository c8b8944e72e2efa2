# FCN-8s on MobileNetV2, CamVid at 240x180: minutes on a CPU.
# Published: none; FCN was published on VGG16, AlexNet and GoogLeNet, not for CamVid.
# Needs: CamVid in 11 classes (data/README.md); MobileNetV2 of ImageNet in the names of
#   MMSegmentation.
# Departs: from FCN (CVPR 2015) in MobileNetV2 with batch norm; 8 crops of 160x208 a step, scaled,
#   mirrored and distorted in colour; mean loss, SGD 0.05, poly, 800 steps; upsampling learns;
#   dropout 0.1 before the coarse score alone.
# Measured: mIoU 60.4 on the 101 validation images, one run.
_base_ = [
    '_base_/models/fcn_mnv2.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/sgd_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
