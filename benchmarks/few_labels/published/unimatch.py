# UniMatch as published.
_base_ = '../../../configs/unimatch_mnv2_animals7.py'
default_hooks = dict(method=dict(warmup=0))
