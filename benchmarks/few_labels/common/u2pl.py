# U2PL with every image mixed.
_base_ = '../published/u2pl.py'
model = dict(unsupervised=dict(mix_prob=1.))
