# Minutes on a CPU: SGD 0.05, poly.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=800, by_epoch=False)]
train_cfg = dict(type='ResumableTrainLoop', max_iters=800, val_interval=200)
default_hooks = dict(
    checkpoint=dict(interval=200),
    logger=dict(interval=20),
    layout=dict(type='ChannelsLastHook'))
