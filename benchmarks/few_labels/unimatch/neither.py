# Without the stream of features, and nothing is dropped out of the statistics of batch norm.
_base_ = '../published/unimatch.py'
model = dict(unsupervised=dict(feature_weight=0., dropout=0.))
