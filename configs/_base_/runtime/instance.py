# What instance experiments share beside the common things: scope, visualisation, best checkpoint.
_base_ = './common.py'
default_scope = 'mmdet'
default_hooks = dict(
    checkpoint=dict(save_best='coco/segm_mAP'),
    visualization=dict(type='DetVisualizationHook'),
    count_threshold=dict(type='CountThresholdHook'))
visualizer = dict(
    type='DetLocalVisualizer', vis_backends={{_base_.vis_backends}}, name='visualizer')
