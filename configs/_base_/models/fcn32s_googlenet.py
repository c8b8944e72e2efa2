# FCN-32s on torchvision's GoogLeNet, for RGB images from -1 to 1; its norms keep their statistics,
# as images come one at a time.
_base_ = './fcn.py'
googlenet = '{{$GOOGLENET_WEIGHTS:weights/googlenet.pth}}'
model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(
        type='GoogLeNet',
        variant='torchvision',
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint=googlenet)),
    decode_head=dict(
        in_channels=[1024],
        stride=32,
        last_kernel=63,
        last_offset=23,
        learn_upsample=False,
        # the backbone has the dropout of GoogLeNet
        dropout_ratio=0.))
weights_from = {
    googlenet: "Get torchvision's GoogLeNet (googlenet-1378be20.pth from download.pytorch.org/"
               'models) and run python tools/convert_classifier.py googlenet '
               'googlenet-1378be20.pth weights/googlenet.pth, or set GOOGLENET_WEIGHTS. From '
               'random values this network hardly learns.',
}
