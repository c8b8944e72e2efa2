# The skip architecture of FCN around any backbone (Long, Shelhamer, Darrell, arXiv 1411.4038).
_base_ = './segmentor.py'
model = dict(
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(
        type='FCNSkipHead',
        stride=8,
        dropout_ratio=0.1,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
