# UniMatch V2 with every image mixed, and the decay of the other teachers.
_base_ = '../published/unimatchv2.py'
model = dict(unsupervised=dict(mix_prob=1.))
default_hooks = dict(method=dict(decay=0.99))
