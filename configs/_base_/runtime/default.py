# What semantic experiments share beside the common things: scope, visualisation, best checkpoint.
_base_ = ['./common.py', './tta.py']
default_scope = 'mmseg'
default_hooks = dict(
    checkpoint=dict(save_best='mIoU'),
    visualization=dict(type='SegVisualizationHook'),
    published_names=dict(type='PublishedNamesHook'))
visualizer = dict(
    type='SegLocalVisualizer', vis_backends={{_base_.vis_backends}}, name='visualizer')
