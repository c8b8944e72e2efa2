# DeepLab v2 on ResNet-101 from COCO, VOC 2012 with SBD (Chen et al., TPAMI 2018).
# Published: mIoU 76.35 on val, the maximum of three scales, no CRF; 77.69 with it.
# Needs: VOC 2012 and SBD; the authors' COCO model as a PyTorch state dict, through
#   tools/convert_deeplab.py.
# Departs: nowhere that is known.
# python tools/convert_deeplab.py deeplabv1_resnet101-coco.pth weights/deeplabv2_r101_coco.pth
# The file is what kazuto1011/deeplab-pytorch makes of init.caffemodel; one in the names of
# MS_DeepLab_resnet_pretrained_COCO_init.pth serves as well. With the CRF its checkpoints are tested
# by deeplabv2_r101-crf_voc.py.
_base_ = './deeplabv2_r101_voc.py'
coco = '{{$DEEPLABV2_COCO_WEIGHTS:weights/deeplabv2_r101_coco.pth}}'
model = dict(
    init_cfg=dict(type='Pretrained', checkpoint=coco),
    backbone=dict(init_cfg=None))
weights_from = {
    coco: "Get the authors' model of COCO as a PyTorch state dict (deeplabv1_resnet101-coco.pth, or "
          'MS_DeepLab_resnet_pretrained_COCO_init.pth) and run python tools/convert_deeplab.py '
          'deeplabv1_resnet101-coco.pth weights/deeplabv2_r101_coco.pth, or set '
          'DEEPLABV2_COCO_WEIGHTS. Batch norm does not learn here, so that random values lead '
          'nowhere.',
}
