# AdamW 3e-4, less in a pretrained backbone, a short warm-up, cosine: twenty minutes for a
# detector on two CPU cores.
_base_ = './adamw_cosine_600.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.4))))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=3e-6, by_epoch=False, begin=30, end=1000),
]
train_cfg = dict(max_iters=1000, val_interval=500)
default_hooks = dict(
    checkpoint=dict(interval=500),
    layout=dict(type='ChannelsLastHook'),
    # an eighth less time, for backbones with norm_eval
    folding=dict(type='FoldedNormsHook'))
