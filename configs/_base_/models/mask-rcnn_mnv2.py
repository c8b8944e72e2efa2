# Mask R-CNN on MobileNetV2, half as wide as usual, which trains on a CPU. In small images no
# animal is so small that it needs a level of stride 4, the most expensive one.
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'
mobilenet_v2 = '{{$MOBILENETV2_DET_WEIGHTS:weights/mobilenet_v2_det.pth}}'
width = 128
model = dict(
    backbone=dict(
        _delete_=True,
        type='MobileNetV2',
        out_indices=(2, 4, 6),
        # edges and colours are known from ImageNet
        frozen_stages=2,
        norm_cfg=dict(type='BN', requires_grad=True),
        # batches of a few images have no statistics worth following
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint=mobilenet_v2)),
    neck=dict(in_channels=[32, 96, 320], out_channels=width, num_outs=4),
    rpn_head=dict(
        in_channels=width,
        feat_channels=width,
        anchor_generator=dict(scales=[4, 8], strides=[8, 16, 32, 64])),
    roi_head=dict(
        # as many samples in a large animal as in a small one: the operator is slow on a CPU
        bbox_roi_extractor=dict(
            out_channels=width,
            featmap_strides=[8, 16, 32],
            finest_scale=112,
            roi_layer=dict(sampling_ratio=2)),
        bbox_head=dict(in_channels=width, fc_out_channels=512),
        mask_roi_extractor=dict(
            out_channels=width,
            featmap_strides=[8, 16, 32],
            finest_scale=112,
            roi_layer=dict(sampling_ratio=2)),
        mask_head=dict(in_channels=width, conv_out_channels=width)),
    train_cfg=dict(
        # what lies in regions to ignore is no background
        rpn=dict(assigner=dict(type='IgnoreRegionAssigner')),
        rpn_proposal=dict(nms_pre=1000, max_per_img=500),
        rcnn=dict(assigner=dict(type='IgnoreRegionAssigner'), sampler=dict(num=48))),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=300)))
# the last convolution of MMDetection's MobileNetV2 lies behind the levels that are used
find_unused_parameters = True
weights_from = {
    mobilenet_v2: 'Get an ImageNet MobileNetV2 under the names of MMDetection (its model zoo has '
                  'mobilenet_v2_batch256_imagenet-ff34753d.pth in third_party) as '
                  'weights/mobilenet_v2_det.pth, or set MOBILENETV2_DET_WEIGHTS. Training from '
                  'random values scores far less.',
}
