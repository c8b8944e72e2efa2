# Own animals: the outlined images of cattle.py, and a folder of images that nobody has outlined.
_base_ = './cattle_seg.py'
data_root = '{{$CATTLE_ROOT:data/cattle}}'
# it may hold thousands of images, in sub-folders and under any names
unlabeled_root = '{{$CATTLE_UNLABELED:data/cattle/unlabeled}}'
batch_size = 8  # 4 labelled, 4 unlabelled

# what a teacher sees: the geometry of training, colours unchanged
weak = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
    dict(type='RandomFlip', prob=0.5),
]
# the supervised twin trains on this, and on nothing else
labeled = dict(
    type='CattleSegDataset',
    metainfo=_base_.metainfo,
    data_root=data_root,
    ann_file='train.json',
    data_prefix=dict(img_path='images/'),
    pipeline=_base_.train_pipeline)
unlabeled = dict(
    type='UnlabeledDataset',
    data_prefix=dict(img_path=unlabeled_root),
    pipeline=[*weak, dict(type='PackSemiInputs')])

train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=batch_size),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
