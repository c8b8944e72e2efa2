# Every image is mixed, and an average of the network is kept.
_base_ = '../common/unimatch.py'
