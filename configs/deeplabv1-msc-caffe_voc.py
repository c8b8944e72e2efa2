# DeepLab-MSc-LargeFOV with published weights, VOC 2012 (Chen et al., ICLR 2015).
# Published: mIoU 64.21 on val, one scale, no CRF.
# Needs: VOC 2012; the published model as a PyTorch state dict, through tools/convert_deeplab.py.
# Departs: nowhere that is known, in the test; a training departs as that of deeplabv1-msc_voc.py.
# Images are normalised as in Caffe; the commands are those of deeplabv1-caffe_voc.py.
_base_ = './deeplabv1-msc_voc.py'
model = dict(
    init_cfg=None,
    data_preprocessor=dict(
        mean=[104.008, 116.669, 122.675], std=[1., 1., 1.], bgr_to_rgb=False))
