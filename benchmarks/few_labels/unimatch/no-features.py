# Without the stream of disturbed features.
_base_ = '../published/unimatch.py'
model = dict(unsupervised=dict(feature_weight=0.))
