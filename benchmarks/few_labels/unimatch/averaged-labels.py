# An averaged teacher labels two strong views: UniMatch V2 without its dropout.
_base_ = '../published/unimatchv2.py'
model = dict(unsupervised=dict(dropout=0.))
