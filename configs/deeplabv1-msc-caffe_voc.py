# DeepLab v1 with multi-scale features for published weights; see deeplabv1-caffe_voc.py.
_base_ = './deeplabv1-msc_voc.py'
model = dict(
    init_cfg=None,
    data_preprocessor=dict(
        mean=[104.008, 116.669, 122.675], std=[1., 1., 1.], bgr_to_rgb=False))
