# DeepLabv3 and v3+ on VOC (arXiv 1706.05587, section 4.1, and 1802.02611, section 4): SGD 0.007, poly
# 0.9, 30k steps of 16 crops. The weight decay is the published code's.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.007, momentum=0.9, weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=30000, by_epoch=False)]
train_cfg = dict(type='ResumableTrainLoop', max_iters=30000, val_interval=3000)
default_hooks = dict(checkpoint=dict(interval=3000))
