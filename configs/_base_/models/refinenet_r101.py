# RefineNet (Lin, Milan, Shen, Reid, arXiv 1611.06612), four blocks on ResNet-101. Batch norm keeps the
# statistics of ImageNet, as published.
_base_ = './segmentor.py'
resnet101 = '{{$RESNET101_WEIGHTS:weights/resnet101.pth}}'
model = dict(
    backbone=dict(
        type='ResNet',
        depth=101,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint=resnet101)),
    decode_head=dict(
        type='RefineNetHead',
        in_channels=[256, 512, 1024, 2048],
        channels=256,
        coarse_channels=512,
        cascade=4,
        pools=2,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
weights_from = {
    resnet101: "Get torchvision's ResNet-101 (resnet101-5d3b4d8f.pth from "
               'download.pytorch.org/models) and save it as weights/resnet101.pth, or set '
               'RESNET101_WEIGHTS: its names fit as they are. From random values this network '
               'hardly learns.',
}
