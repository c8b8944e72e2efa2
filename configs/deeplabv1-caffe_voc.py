# DeepLab-LargeFOV with published weights, VOC 2012 (Chen et al., ICLR 2015).
# Published: mIoU 62.25 on val, one scale, no CRF.
# Needs: VOC 2012; the published model as a PyTorch state dict, through tools/convert_deeplab.py.
# Departs: nowhere that is known, in the test; a training departs as that of deeplabv1_voc.py.
# Images are normalised as in Caffe:
# python tools/convert_deeplab.py DeepLab-LargeFOV.pth weights/deeplabv1.pth
# python tools/test.py configs/deeplabv1-caffe_voc.py weights/deeplabv1.pth
_base_ = './deeplabv1_voc.py'
model = dict(
    data_preprocessor=dict(
        mean=[104.008, 116.669, 122.675], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(init_cfg=None))
