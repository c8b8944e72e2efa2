# The second stream sees undisturbed features.
_base_ = '../published/unimatch.py'
model = dict(unsupervised=dict(dropout=0.))
