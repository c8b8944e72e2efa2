# Minutes on a CPU, from random values: AdamW 0.004 after a short warm-up, poly.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=4e-3, weight_decay=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=20),
    dict(type='PolyLR', eta_min=0., power=0.9, by_epoch=False, begin=20, end=1200),
]
train_cfg = dict(type='ResumableTrainLoop', max_iters=1200, val_interval=600)
default_hooks = dict(checkpoint=dict(interval=600), logger=dict(interval=50))
