# The labelled images alone, from a supervised training; the reference.
_base_ = '../../../configs/suponly_mnv2_animals7.py'
