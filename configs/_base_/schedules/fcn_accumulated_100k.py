# The published solver of FCN-AlexNet: the loss is a mean over pixels, 20 images a step and 100k
# steps, so 2 million iterations of one whole image; momentum 0.9, a fixed rate of 1e-4; twice the
# rate and no decay for the bias of the scores.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    accumulative_counts=20,
    optimizer=dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys={'score_fr.bias': dict(lr_mult=2., decay_mult=0.)}))
param_scheduler = []
train_cfg = dict(type='ResumableTrainLoop', max_iters=2000000, val_interval=80000)
default_hooks = dict(checkpoint=dict(interval=80000))
