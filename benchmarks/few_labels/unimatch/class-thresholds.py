# Classes of which the network is less sure have lower thresholds.
_base_ = '../published/unimatch.py'
model = dict(unsupervised=dict(class_thresholds=True))
