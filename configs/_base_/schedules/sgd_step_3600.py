# A few hundred images on one GPU, two a batch: MMDetection's SGD (0.02 for 16 images), about
# 36 rounds of 200 images.
_base_ = '../runtime/instance.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.0025, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=35, norm_type=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=200),
    dict(type='MultiStepLR', by_epoch=False, milestones=[2400, 3300], gamma=0.1, begin=0, end=3600),
]
train_cfg = dict(type='ResumableTrainLoop', max_iters=3600, val_interval=300)
default_hooks = dict(checkpoint=dict(interval=300))
