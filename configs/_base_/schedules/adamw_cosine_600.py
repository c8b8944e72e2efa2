# Minutes on a CPU for a detector: AdamW 3e-4, a short warm-up, cosine.
_base_ = '../runtime/instance.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-4, weight_decay=0.05),
    clip_grad=dict(max_norm=5, norm_type=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=3e-6, by_epoch=False, begin=30, end=600),
]
train_cfg = dict(type='ResumableTrainLoop', max_iters=600, val_interval=300)
default_hooks = dict(checkpoint=dict(interval=300), logger=dict(interval=20))
