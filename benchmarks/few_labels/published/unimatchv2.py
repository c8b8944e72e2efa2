# UniMatch V2 as published.
_base_ = '../../../configs/unimatchv2_mnv2_animals7.py'
default_hooks = dict(method=dict(warmup=0))
