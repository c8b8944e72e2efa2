# DeepLab v2 (Chen et al., arXiv 1606.00915), ASPP-L on ResNet-101 at stride 8, each image at three
# sizes. Batch norm does not learn, as published. Images are normalised as in Caffe.
_base_ = './segmentor.py'
resnet101 = '{{$RESNET101_CAFFE_WEIGHTS:weights/resnet101_caffe.pth}}'
model = dict(
    type='MultiScaleEncoderDecoder',
    scales=(1.0, 0.75, 0.5),
    data_preprocessor=dict(
        mean=[104.008, 116.669, 122.675], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(
        type='ResNet',
        depth=101,
        out_indices=(3, ),
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        # the stride in the first 1x1 convolution of a stage
        style='caffe',
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint=resnet101)),
    decode_head=dict(
        type='ASPPSumHead',
        in_channels=2048,
        dilations=(6, 12, 18, 24),
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
weights_from = {
    resnet101: 'Get resnet101_msra-6cc46731.pth from the model zoo of OpenMMLab (there '
               'detectron2/resnet101_caffe) as weights/resnet101_caffe.pth, or set '
               'RESNET101_CAFFE_WEIGHTS. The paper starts from a model of COCO. Batch norm does not '
               'learn here, so that random values lead nowhere.',
}
