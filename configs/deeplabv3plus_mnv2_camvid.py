# DeepLab v3+ on MobileNetV2, CamVid at 240x180 (Chen et al., ECCV 2018).
# Published: none; the paper has PASCAL VOC 2012 and Cityscapes.
# Needs: CamVid (data/README.md); an ImageNet MobileNetV2 as weights/mobilenet_v2.pth.
# Departs: made to train in minutes on a CPU. MobileNetV2 at stride 16; a decoder of 96 maps, where
#   the paper has 256, and 24 from the backbone, where it has 48; a 1x1 convolution and rates of 3
#   and 6, where it has 6, 12 and 18; the convolution behind them is 3x3, in the paper 1x1; AdamW
#   0.003, a tenth of it in the backbone, 800 steps of 8 crops of 160x208; colours are distorted.
# Measured: mIoU 51.2 on the 101 validation images, one run.
_base_ = [
    '_base_/models/deeplabv3plus_mnv2.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/adamw_fast_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
