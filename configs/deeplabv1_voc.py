# DeepLab-LargeFOV on VGG16, VOC 2012 with SBD (Chen et al., ICLR 2015).
# Published: mIoU 62.25 on val, one scale, no CRF.
# Needs: VOC 2012 and SBD; torchvision's VGG16 through tools/convert_vgg16.py --network deeplabv1.
# Departs: VGG16 is torchvision's, not Caffe's, and images are normalised for it; 20 images a step
#   as in the paper, where the second paper (arXiv 1606.00915, table 2) names 30 for this number.
# With the CRF: deeplabv1-crf_voc.py.
_base_ = [
    '_base_/models/deeplabv1.py',
    '_base_/datasets/voc_sbd_321.py',
    '_base_/schedules/deeplabv1_6k.py',
]
model = dict(
    data_preprocessor=dict(
        size={{_base_.crop_size}}, test_cfg=dict(size={{_base_.test_size}})),
    decode_head=dict(num_classes={{_base_.num_classes}}))
