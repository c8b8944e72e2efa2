# RefineNet's training as in the published code of arXiv 1611.06612: SGD 5e-4, a tenth of it in the
# backbone, one crop a step; a tenth of both rates once the validation settles, in its example after
# 70 epochs of 1000 to 1464 images. Both numbers of steps are ours: the authors stop by hand.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
param_scheduler = [
    dict(type='MultiStepLR', milestones=[100000], gamma=0.1, begin=0, end=120000, by_epoch=False)
]
train_cfg = dict(type='ResumableTrainLoop', max_iters=120000, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000))
