# RefineNet on MobileNetV2, CamVid at 240x180 (Lin, Milan, Shen and Reid, CVPR 2017).
# Published: none; the paper has ResNets, on other data.
# Needs: CamVid (data/README.md); an ImageNet MobileNetV2 as weights/mobilenet_v2.pth.
# Departs: made to train in minutes on a CPU. MobileNetV2; blocks of 128 and 64 maps, where the
#   paper has 512 and 256; batch norm in the decoder, a classifier of 1x1 and dropout of 0.1, where
#   the published code has no norm, 3x3 and 0.5; AdamW 0.003, a tenth of it in the backbone, 800
#   steps of 8 crops of 160x208; colours are distorted.
# Measured: mIoU 55.8 on the 101 validation images, one run, when dropout still took whole maps.
_base_ = [
    '_base_/models/refinenet_mnv2.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/adamw_fast_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
