# FCN-32s on MobileNetV2, CamVid at 240x180, for comparison with fcn8s_mnv2_camvid.py.
# Published: none; FCN was published on VGG16, AlexNet and GoogLeNet, not for CamVid.
# Needs: CamVid in 11 classes (data/README.md); MobileNetV2 of ImageNet in the names of
#   MMSegmentation.
# Departs: as fcn8s_mnv2_camvid.py.
# Measured: mIoU 43.7 on the 101 validation images, one run.
_base_ = './fcn8s_mnv2_camvid.py'
model = dict(decode_head=dict(stride=32))
