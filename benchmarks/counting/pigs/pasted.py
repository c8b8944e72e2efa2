# Pigs of other images are pasted into every second one.
_base_ = '../../../configs/mask-rcnn_mnv2-paste_pigs.py'
