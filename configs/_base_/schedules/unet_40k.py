# Momentum 0.99 is that of U-Net (arXiv 1505.04597, section 3), which has batches of one tile. The
# paper names neither its rate nor its iterations ("10 hours"): these are ours, and the rate stays.
_base_ = '../runtime/default.py'
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.99))
param_scheduler = []
train_cfg = dict(type='ResumableTrainLoop', max_iters=40000, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000))
