# A few hundred images on one GPU: MMSegmentation's SGD 0.01, poly, 4000 iterations.
_base_ = './sgd_poly_20k.py'
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=4000, by_epoch=False)]
train_cfg = dict(max_iters=4000, val_interval=500)
default_hooks = dict(checkpoint=dict(interval=500))
