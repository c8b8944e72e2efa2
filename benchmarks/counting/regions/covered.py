# 30% of the animals lie in regions to ignore.
_base_ = '../../../configs/mask-rcnn_mnv2_barn.py'
train_dataloader = dict(dataset=dict(ann_file='../barn_covered/annotations/train.json'))
