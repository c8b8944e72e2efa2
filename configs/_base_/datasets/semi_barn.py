# Generated barn scenes with labels for 5 of the 160; data/README.md makes the two lists.
_base_ = './barn.py'
data_root = '{{$BARN_ROOT:data/barn}}'
partition = '{{$PARTITIONS:data/partitions}}/barn/5'
batch_size = 8  # 4 labelled, 4 unlabelled

# what a teacher sees: the geometry of training, colours unchanged
weak = [
    dict(type='LoadImageFromFile'),
    # the truth of the unlabelled serves to measure the pseudo-labels only
    dict(type='LoadAnnotations'),
    dict(type='RandomRotFlip', rotate_prob=0.0, flip_prob=0.5),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
]
folders = dict(img_path=f'{data_root}/images/train', seg_map_path=f'{data_root}/labels/train')
# the supervised twin trains on this, and on nothing else
labeled = dict(
    type='BarnDataset',
    ann_file=f'{partition}/labeled.txt',
    data_prefix=folders,
    pipeline=_base_.train_pipeline)
unlabeled = dict(
    type='BarnDataset',
    ann_file=f'{partition}/unlabeled.txt',
    data_prefix=folders,
    pipeline=[*weak, dict(type='PackSemiInputs')])

train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=batch_size),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
