# UniMatch with the sum of its losses halved, as published.
_base_ = './unimatch.py'
method = dict(unsupervised=dict(weight=0.5, supervised_weight=0.5))
