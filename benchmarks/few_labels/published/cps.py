# CPS as published without CutMix.
_base_ = '../../../configs/cps_mnv2_animals7.py'
default_hooks = dict(method=dict(warmup=0))
