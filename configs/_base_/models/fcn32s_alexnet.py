# FCN-32s on AlexNet as published (voc-fcn-alexnet of fcn.berkeleyvision.org): CaffeNet, for BGR
# images of 0..255 without their mean.
_base_ = './fcn.py'
caffenet = '{{$CAFFENET_WEIGHTS:weights/caffenet.pth}}'
model = dict(
    data_preprocessor=dict(
        mean=[104.00699, 116.66877, 122.67892], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(
        type='AlexNet',
        geometry='caffe',
        init_cfg=dict(type='Pretrained', checkpoint=caffenet)),
    decode_head=dict(
        in_channels=[4096],
        stride=32,
        geometry='caffe',
        last_kernel=63,
        last_offset=18,
        learn_upsample=False,
        # the backbone drops out after fc6 and fc7
        dropout_ratio=0.))
weights_from = {
    caffenet: 'Get bvlc_reference_caffenet as a state dict of PyTorch with the names of Caffe '
              '(conv1.weight ... fc8.bias) and run python tools/convert_classifier.py alexnet '
              'caffenet_from_caffe.pth weights/caffenet.pth, or set CAFFENET_WEIGHTS. With '
              "torchvision's AlexNet take configs/fcn32s_alexnet-torchvision_voc.py.",
}
