# DeepLab v1 (arXiv 1412.7062, section 4.1): SGD 0.001, tenfold in the classifier, a tenth of it after
# each 2000 steps. Twice the rate and no decay for biases, and the 6000 steps, are those of the
# published solver.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(
        bias_lr_mult=2.,
        bias_decay_mult=0.,
        custom_keys={
            'conv_seg.weight': dict(lr_mult=10.),
            'conv_seg.bias': dict(lr_mult=20., decay_mult=0.),
        }))
param_scheduler = [
    dict(type='MultiStepLR', milestones=[2000, 4000], gamma=0.1, begin=0, end=6000, by_epoch=False)
]
train_cfg = dict(type='ResumableTrainLoop', max_iters=6000, val_interval=1000)
default_hooks = dict(checkpoint=dict(interval=1000))
