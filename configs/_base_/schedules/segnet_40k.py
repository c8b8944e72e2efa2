# SegNet's training (arXiv 1511.00561, section 4, and the published solver and prototxt): SGD 0.001
# throughout, 40k steps; biases twice as fast, without decay, nor for the shifts of batch norm.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=5e-4),
    # the second spares the shifts of batch norm as well, the first does not speed them up
    paramwise_cfg=dict(bias_lr_mult=2., bias_decay_mult=0.))
param_scheduler = []
train_cfg = dict(type='ResumableTrainLoop', max_iters=40000, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000))
