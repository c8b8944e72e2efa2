# A few hundred images on one GPU: AdamW for Swin, poly, 4000 iterations.
_base_ = './adamw_poly_20k.py'
# the heads learn as fast as the backbone, as published
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=1.))))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=300),
    dict(type='PolyLR', eta_min=0., power=1., begin=300, end=4000, by_epoch=False),
]
train_cfg = dict(max_iters=4000, val_interval=500)
default_hooks = dict(checkpoint=dict(interval=500))
