# CutMix-Seg as published.
_base_ = '../../../configs/cutmix-seg_mnv2_animals7.py'
default_hooks = dict(method=dict(warmup=0))
