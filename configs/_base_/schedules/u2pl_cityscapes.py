# The same on Cityscapes: SGD 0.01, 200 rounds.
_base_ = './u2pl_voc.py'
optim_wrapper = dict(optimizer=dict(lr=0.01, weight_decay=5e-4))
