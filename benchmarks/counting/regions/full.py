# Every animal is outlined.
_base_ = '../../../configs/mask-rcnn_mnv2_barn.py'
