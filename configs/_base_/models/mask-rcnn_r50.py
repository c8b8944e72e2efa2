# Mask R-CNN on ResNet-50 with FPN.
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'
resnet50 = '{{$RESNET50_WEIGHTS:weights/resnet50.pth}}'
mask_rcnn_r50 = '{{$MASK_RCNN_R50_WEIGHTS:weights/mask-rcnn_r50_cattle.pth}}'
model = dict(
    # what is learned before is loaded over the backbone
    init_cfg=dict(type='Pretrained', checkpoint=mask_rcnn_r50),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=resnet50)),
    # what lies in regions to ignore is no background
    train_cfg=dict(
        rpn=dict(assigner=dict(type='IgnoreRegionAssigner')),
        rcnn=dict(assigner=dict(type='IgnoreRegionAssigner'))))
weights_from = {
    mask_rcnn_r50: 'To begin with what COCO knows of cows, get mask-rcnn_r50_fpn_mstrain-poly_3x_coco '
                   "from MMDetection's model zoo and type `python tools/convert_coco_head.py "
                   'CHECKPOINT --keep cow --as cattle --out weights/mask-rcnn_r50_cattle.pth`, or '
                   'set MASK_RCNN_R50_WEIGHTS.',
    resnet50: "Get torchvision's ResNet-50 (resnet50-0676ba61.pth from download.pytorch.org/models) "
              'and save it as weights/resnet50.pth, or set RESNET50_WEIGHTS: its names fit as they '
              'are. From a few hundred pictures alone a detector hardly learns.',
}
