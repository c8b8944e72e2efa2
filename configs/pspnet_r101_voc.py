# PSPNet on ResNet-101, VOC 2012 with SBD (Zhao et al., CVPR 2017).
# Published: mIoU 79.07 on val, one scale, mirrored, of 50 rounds, by the authors' PyTorch code;
#   85.41 on test with COCO and six scales.
# Needs: VOC 2012 and SBD; ResNet-101 V1c of ImageNet from the model zoo of MMSegmentation.
# Departs: the stem has 32, 32 and 64 maps (pspnet_r101-stem128_voc.py: 64, 64 and 128); validation
#   takes one view of an image (--tta mirrors it, at six scales), and averages logits of windows,
#   not probabilities; images are padded on the right and below; 30k steps of the paper, 33k in 50
#   rounds; rates of biases and decay of norms as in the Caffe network: 79.07 was reached with ten
#   times the rate for all that is new and decay for all.
# Several processes share the 16 crops of a step, and the statistics of their norms.
_base_ = [
    '_base_/models/pspnet_r101.py',
    '_base_/datasets/voc_sbd_473.py',
    '_base_/schedules/pspnet_voc_30k.py',
]
model = dict(
    data_preprocessor=dict(
        size={{_base_.crop_size}}, test_cfg=dict(size={{_base_.crop_size}})),
    decode_head=dict(num_classes={{_base_.num_classes}}),
    auxiliary_head=dict(num_classes={{_base_.num_classes}}),
    # two thirds of a window further each time
    test_cfg=dict(mode='slide', crop_size={{_base_.crop_size}}, stride=(316, 316)))
