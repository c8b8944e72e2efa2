# UniMatch's training on Cityscapes: SGD 0.005, the same in the decoder, poly.
_base_ = './u2pl_voc.py'
optim_wrapper = dict(
    optimizer=dict(lr=0.005),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=1.))))
