# Minutes on a CPU for a pretrained backbone and few labels: AdamW 1e-3, a tenth of it in the backbone.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(type='PolyLR', eta_min=1e-5, power=0.9, begin=20, end=800, by_epoch=False),
]
train_cfg = dict(type='ResumableTrainLoop', max_iters=800, val_interval=200)
default_hooks = dict(
    checkpoint=dict(interval=200),
    logger=dict(interval=20),
    layout=dict(type='ChannelsLastHook'))
