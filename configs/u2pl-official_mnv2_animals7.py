# U2PL with the anchors and negatives of its published code, to compare with u2pl_mnv2_animals7.py.
_base_ = './u2pl_mnv2_animals7.py'
model = dict(contrastive=dict(negatives='official'))
