# Cascade Mask R-CNN on Swin-T with FPN.
_base_ = ['mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py', './swin-t_detector.py']
cascade_mask_rcnn_swin_t = '{{$CASCADE_MASK_RCNN_SWIN_T_WEIGHTS:weights/cascade-mask-rcnn_swin-t_cattle.pth}}'
model = dict(
    # what is learned before is loaded over the backbone
    init_cfg=dict(type='Pretrained', checkpoint=cascade_mask_rcnn_swin_t),
    backbone={{_base_.swin_t_backbone}},
    neck=dict(in_channels=[96, 192, 384, 768]),
    # what lies in regions to ignore is no background; a list is replaced as a whole
    train_cfg=dict(
        rpn=dict(assigner=dict(type='IgnoreRegionAssigner')),
        rcnn=[
            dict(
                assigner=dict(
                    type='IgnoreRegionAssigner',
                    pos_iou_thr=iou,
                    neg_iou_thr=iou,
                    min_pos_iou=iou,
                    match_low_quality=False,
                    ignore_iof_thr=-1),
                sampler=dict(
                    type='RandomSampler',
                    num=512,
                    pos_fraction=0.25,
                    neg_pos_ub=-1,
                    add_gt_as_proposals=True),
                mask_size=28,
                pos_weight=-1,
                debug=False) for iou in (0.5, 0.6, 0.7)
        ]))
weights_from = {
    cascade_mask_rcnn_swin_t:
        'To begin with what COCO knows of cows, take a COCO checkpoint of this network and type '
        '`python tools/convert_coco_head.py CHECKPOINT --keep cow --as cattle --out '
        'weights/cascade-mask-rcnn_swin-t_cattle.pth`, or set CASCADE_MASK_RCNN_SWIN_T_WEIGHTS.',
}
