# The comparison of backbones (arXiv 1411.4038, section 4.3 and table 1): 20 images a step, momentum
# 0.9, a fixed rate, twice the rate for biases, at least 175 epochs; 200k iterations of one whole
# image are 180 epochs of 1112. 1e-3 is the rate of FCN-AlexNet.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    accumulative_counts=20,
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(bias_lr_mult=2.))
param_scheduler = []
train_cfg = dict(type='ResumableTrainLoop', max_iters=200000, val_interval=20000)
default_hooks = dict(checkpoint=dict(interval=20000))
