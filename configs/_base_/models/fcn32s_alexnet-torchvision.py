# FCN-32s on torchvision's AlexNet, for RGB images of mean 0 and deviation 1.
_base_ = './fcn.py'
alexnet = '{{$ALEXNET_WEIGHTS:weights/alexnet.pth}}'
model = dict(
    backbone=dict(
        type='AlexNet',
        variant='torchvision',
        init_cfg=dict(type='Pretrained', checkpoint=alexnet)),
    decode_head=dict(
        in_channels=[4096],
        stride=32,
        last_kernel=63,
        last_offset=15,
        learn_upsample=False,
        # the backbone drops out after fc6 and fc7
        dropout_ratio=0.))
weights_from = {
    alexnet: "Get torchvision's AlexNet (alexnet-owt-7be5be79.pth from download.pytorch.org/models) "
             'and run python tools/convert_classifier.py alexnet alexnet-owt-7be5be79.pth '
             'weights/alexnet.pth, or set ALEXNET_WEIGHTS. From random values this network hardly '
             'learns.',
}
