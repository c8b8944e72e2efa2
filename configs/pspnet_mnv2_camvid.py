# PSPNet on MobileNetV2, CamVid at 240x180 (Zhao et al., CVPR 2017).
# Published: none; the paper has ResNets, on ADE20K, PASCAL VOC 2012 and Cityscapes.
# Needs: CamVid (data/README.md); an ImageNet MobileNetV2 as weights/mobilenet_v2.pth.
# Departs: made to train in minutes on a CPU. MobileNetV2 at stride 16, where the paper has stride
#   8; a head of 96 maps, where it has 512; AdamW 0.003, a tenth of it in the backbone, 800 steps of
#   8 crops of 160x208; colours are distorted.
# Measured: mIoU 43.2 on the 101 validation images, one run.
_base_ = [
    '_base_/models/pspnet_mnv2.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/adamw_fast_poly_800.py',
]
model = dict(
    decode_head=dict(num_classes={{_base_.num_classes}}),
    auxiliary_head=dict(num_classes={{_base_.num_classes}}))
