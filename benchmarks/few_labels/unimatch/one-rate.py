# The backbone learns at the rate of the head.
_base_ = '../published/unimatch.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.))))
