# Cityscapes as U2PL divides it. An experiment names its lists, here those of 744; data/README.md
# makes them from the published ones.
_base_ = './cityscapes.py'
data_root = '{{$CITYSCAPES_ROOT:data/cityscapes}}'
splits = '{{$PARTITIONS:data/partitions}}/cityscapes'
batch_size = 32  # 16 labelled, 16 unlabelled; divide both by the number of processes

weak = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
    dict(type='RandomFlip', prob=0.5),
]
# the supervised twin trains on this, and on nothing else
labeled = dict(
    type='CityscapesDataset',
    ann_file=f'{splits}/744/labeled.txt',
    data_prefix=dict(
        img_path=f'{data_root}/leftImg8bit/train', seg_map_path=f'{data_root}/gtFine/train'),
    pipeline=_base_.train_pipeline)
unlabeled = dict(
    type='UnlabeledDataset',
    img_suffix='_leftImg8bit.png',
    ann_file=f'{splits}/744/unlabeled.txt',
    data_prefix=dict(img_path=f'{data_root}/leftImg8bit/train'),
    pipeline=[*weak, dict(type='PackSemiInputs')])

train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=batch_size),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
