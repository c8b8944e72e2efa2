# Minutes on a CPU, from random values: AdamW 0.003 after a short warm-up, poly.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-3, weight_decay=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=20),
    dict(type='PolyLR', eta_min=0., power=0.9, by_epoch=False, begin=20, end=300),
]
train_cfg = dict(type='ResumableTrainLoop', max_iters=300, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=100), logger=dict(interval=20))
