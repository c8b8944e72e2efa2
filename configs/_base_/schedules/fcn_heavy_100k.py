# "Heavy learning" of FCN (Shelhamer, Long, Darrell, arXiv 1605.06211, section 4.4 and the published
# solvers): one whole image a step, momentum 0.99, a fixed rate for the unnormalised loss, twice
# the rate and no decay for biases. 1e-10 is the rate of FCN-32s; later stages have their own.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-10, momentum=0.99, weight_decay=5e-4),
    paramwise_cfg=dict(bias_lr_mult=2., bias_decay_mult=0.))
param_scheduler = []
train_cfg = dict(type='ResumableTrainLoop', max_iters=100000, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000))
