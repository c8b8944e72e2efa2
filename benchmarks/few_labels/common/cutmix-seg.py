# As published/cutmix-seg.py: its teacher is evaluated, and every image is mixed.
_base_ = '../published/cutmix-seg.py'
