# Mean Teacher with the weight of TorchSemiSeg.
_base_ = '../../../configs/mean-teacher_mnv2_animals7.py'
model = dict(unsupervised=dict(weight=100.))
default_hooks = dict(method=dict(warmup=0))
