# Cascade Mask R-CNN on Swin-T with FPN.
_base_ = ['mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py', './swin-t_detector.py']
cascade_mask_rcnn_swin_t = '{{$CASCADE_MASK_RCNN_SWIN_T_WEIGHTS:weights/cascade-mask-rcnn_swin-t_cattle.pth}}'
model = dict(
    # what is learned before is loaded over the backbone
    init_cfg=dict(type='Pretrained', checkpoint=cascade_mask_rcnn_swin_t),
    backbone={{_base_.swin_t_backbone}},
    neck=dict(in_channels=[96, 192, 384, 768]))
weights_from = {
    cascade_mask_rcnn_swin_t:
        'To begin with what COCO knows of cows, take a COCO checkpoint of this network and type '
        '`python tools/convert_coco_head.py CHECKPOINT --keep cow --as cattle --out '
        'weights/cascade-mask-rcnn_swin-t_cattle.pth`, or set CASCADE_MASK_RCNN_SWIN_T_WEIGHTS.',
}
