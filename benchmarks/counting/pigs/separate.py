# Batch norms as layers of their own, as MMDetection trains them.
_base_ = '../../../configs/mask-rcnn_mnv2_pigs.py'
default_hooks = dict(folding=dict(enabled=False))
