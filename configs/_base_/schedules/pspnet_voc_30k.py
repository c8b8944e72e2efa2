# PSPNet on VOC (arXiv 1612.01105, section 5.1): SGD 0.01, poly 0.9, 30k steps of 16 crops.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=30000, by_epoch=False)]
train_cfg = dict(type='ResumableTrainLoop', max_iters=30000, val_interval=3000)
default_hooks = dict(checkpoint=dict(interval=3000))
