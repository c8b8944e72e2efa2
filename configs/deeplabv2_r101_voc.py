# DeepLab v2 on ResNet-101, VOC 2012 with SBD (Chen et al., TPAMI 2018).
# Published: mIoU 76.35 on val from a start of COCO (table 4), the maximum of three scales, no CRF;
#   none from ImageNet with all else.
# Needs: VOC 2012 and SBD; ResNet-101 of MSRA from the model zoo of OpenMMLab.
# Departs: starts from ImageNet (deeplabv2_r101-coco_voc.py: from COCO).
# The published model, end to end, 76.35 without the CRF and 77.69 with it:
# python tools/convert_deeplab.py deeplabv2_resnet101_msc-vocaug.pth weights/deeplabv2_r101.pth
# python tools/test.py configs/deeplabv2_r101_voc.py weights/deeplabv2_r101.pth
# python tools/test.py configs/deeplabv2_r101-crf_voc.py weights/deeplabv2_r101.pth
# That file is what kazuto1011/deeplab-pytorch makes of the authors' train2_iter_20000.caffemodel.
_base_ = [
    '_base_/models/deeplabv2_r101.py',
    '_base_/datasets/voc_sbd_321_scaled.py',
    '_base_/schedules/deeplabv2_20k.py',
]
model = dict(
    data_preprocessor=dict(
        size={{_base_.crop_size}}, test_cfg=dict(size={{_base_.test_size}})),
    decode_head=dict(num_classes={{_base_.num_classes}}))
