# The recipe of MindSpore's FCN8s: momentum SGD, cosine from 0.05 to 0.0005, mixed precision with a
# loss scale of 4 that doubles after 3000 steps; a checkpoint every 330 steps, the last 5 kept.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale=dict(init_scale=4., growth_interval=3000),
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=1e-4))
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=0.0005, begin=0, end=66000, by_epoch=False)
]
train_cfg = dict(type='ResumableTrainLoop', max_iters=66000, val_interval=3300)
default_hooks = dict(checkpoint=dict(interval=330, max_keep_ckpts=5))
