# As shipped: batch norms, whose statistics are fixed, are trained as a part of their convolutions.
_base_ = '../../../configs/mask-rcnn_mnv2_pigs.py'
