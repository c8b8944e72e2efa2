# CamVid with labels for 46 of its 367 training images (1/8); data/README.md makes the two lists.
_base_ = './camvid.py'
data_root = '{{$CAMVID_ROOT:data/camvid}}'
partition = '{{$PARTITIONS:data/partitions}}/camvid/46'
batch_size = 16  # 8 labelled, 8 unlabelled

# what a teacher sees: the geometry of training, colours unchanged
weak = [
    dict(type='LoadImageFromFile'),
    # the truth of the unlabelled serves to measure the pseudo-labels only
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
    dict(type='RandomFlip', prob=0.5),
]
folders = dict(img_path=f'{data_root}/images/train', seg_map_path=f'{data_root}/labels/train')
# the supervised twin trains on this, and on nothing else
labeled = dict(
    type='CamVidDataset',
    ann_file=f'{partition}/labeled.txt',
    data_prefix=folders,
    pipeline=_base_.train_pipeline)
unlabeled = dict(
    type='CamVidDataset',
    ann_file=f'{partition}/unlabeled.txt',
    data_prefix=folders,
    pipeline=[*weak, dict(type='PackSemiInputs')])

train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=batch_size),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
