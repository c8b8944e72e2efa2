# animals7 with labels for 22 of its 350 training images; data/README.md makes the two lists.
_base_ = './animals7_seg.py'
data_root = '{{$ANIMALS7_ROOT:data/animals7}}'
partition = '{{$PARTITIONS:data/partitions}}/animals7/22'
batch_size = 16  # 8 labelled, 8 unlabelled

# what a teacher sees: the geometry of training, colours unchanged
weak = [
    dict(type='LoadImageFromFile'),
    # the truth of the unlabelled serves to measure the pseudo-labels only
    dict(type='LoadInstanceSegMap'),
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
    dict(type='RandomFlip', prob=0.5),
]
# the supervised twin trains on this, and on nothing else
labeled = dict(
    type='CattleSegDataset',
    metainfo=_base_.metainfo,
    ann_file=f'{partition}/labeled.json',
    data_prefix=dict(img_path=f'{data_root}/train'),
    pipeline=_base_.train_pipeline)
unlabeled = dict(
    type='CattleSegDataset',
    metainfo=_base_.metainfo,
    ann_file=f'{partition}/unlabeled.json',
    data_prefix=dict(img_path=f'{data_root}/train'),
    pipeline=[*weak, dict(type='PackSemiInputs')])

train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=batch_size),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
