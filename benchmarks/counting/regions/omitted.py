# The same 30% have no label at all.
_base_ = '../../../configs/mask-rcnn_mnv2_barn.py'
train_dataloader = dict(dataset=dict(ann_file='../barn_omitted/annotations/train.json'))
