# Pixels teach from a confidence of 0.8 on.
_base_ = '../published/unimatch.py'
model = dict(unsupervised=dict(threshold=0.8))
