# The skip head of FCN on ResNet-50.
_base_ = './fcn.py'
resnet50 = '{{$RESNET50_WEIGHTS:weights/resnet50.pth}}'
model = dict(
    backbone=dict(
        type='ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint=resnet50)),
    decode_head=dict(in_channels=[512, 1024, 2048]))
weights_from = {
    resnet50: "Get torchvision's ResNet-50 (resnet50-0676ba61.pth from download.pytorch.org/models) "
              'and save it as weights/resnet50.pth, or set RESNET50_WEIGHTS: its names fit as they '
              'are. Training from random values works, but needs longer.',
}
