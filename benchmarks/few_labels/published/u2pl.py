# U2PL with every second image mixed, and the anchors and negatives that its authors ran.
_base_ = '../../../configs/u2pl_mnv2_animals7.py'
model = dict(unsupervised=dict(mix_prob=0.5), contrastive=dict(samples='published'))
default_hooks = dict(method=dict(warmup=0))
