# DeepLab v1 for published weights, which expect images normalised as in Caffe:
# python tools/convert_deeplab.py DeepLab-LargeFOV.pth weights/deeplabv1.pth
# python tools/test.py configs/deeplabv1-caffe_voc.py weights/deeplabv1.pth
_base_ = './deeplabv1_voc.py'
model = dict(
    data_preprocessor=dict(
        mean=[104.008, 116.669, 122.675], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(init_cfg=None))
