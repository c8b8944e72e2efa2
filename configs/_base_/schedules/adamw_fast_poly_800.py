# AdamW at three times the rate: 800 steps are few for a decoder that starts from random values.
_base_ = './adamw_poly_800.py'
optim_wrapper = dict(optimizer=dict(lr=3e-3))
