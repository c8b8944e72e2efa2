# DeepLabv3+ on Xception-65 at output stride 16, VOC 2012 with SBD (Chen et al., ECCV 2018).
# Published: none that was verified for ImageNet alone; 87.8 on test with COCO, 89.0 with JFT as
#   well.
# Needs: VOC 2012 and SBD; timm's Xception-65 of ImageNet.
# Departs: the convolution behind the ASPP is 3x3, in the paper 1x1; no ReLU between the norm of a
#   depthwise convolution and the pointwise one, as in the published weights; the weight decay is
#   the published code's.
# The schedule is that of DeepLabv3. The convolutions of ASPP and decoder are separable.
_base_ = [
    '_base_/models/deeplabv3plus_xception65.py',
    '_base_/datasets/voc_sbd_513.py',
    '_base_/schedules/deeplabv3_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(
        size={{_base_.crop_size}}, test_cfg=dict(size={{_base_.test_size}})),
    decode_head=dict(num_classes={{_base_.num_classes}}))
optim_wrapper = dict(optimizer=dict(weight_decay=4e-5))
