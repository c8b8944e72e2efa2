# Mask R-CNN on Swin-T with FPN.
_base_ = ['mmdet::_base_/models/mask-rcnn_r50_fpn.py', './swin-t_detector.py']
mask_rcnn_swin_t = '{{$MASK_RCNN_SWIN_T_WEIGHTS:weights/mask-rcnn_swin-t_cattle.pth}}'
model = dict(
    # what is learned before is loaded over the backbone
    init_cfg=dict(type='Pretrained', checkpoint=mask_rcnn_swin_t),
    backbone={{_base_.swin_t_backbone}},
    neck=dict(in_channels=[96, 192, 384, 768]),
    # what lies in regions to ignore is no background
    train_cfg=dict(
        rpn=dict(assigner=dict(type='IgnoreRegionAssigner')),
        rcnn=dict(assigner=dict(type='IgnoreRegionAssigner'))))
weights_from = {
    mask_rcnn_swin_t:
        'To begin with what COCO knows of cows, get mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco '
        "from MMDetection's model zoo and type `python tools/convert_coco_head.py CHECKPOINT "
        '--keep cow --as cattle --out weights/mask-rcnn_swin-t_cattle.pth`, or set '
        'MASK_RCNN_SWIN_T_WEIGHTS.',
}
