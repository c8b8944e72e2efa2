# semi_voc.py as UniMatch divides a step: crops of 321 pixels, 8 labelled and 8 unlabelled.
_base_ = './semi_voc.py'
crop_size = (321, 321)
batch_size = 16  # divide by the number of processes; so in both dicts of train_dataloader
geometry = [
    dict(type='RandomResize', scale=(500, 500), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
weak = [dict(type='LoadImageFromFile'), *geometry]
labeled = dict(pipeline=[
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    *geometry,
    dict(type='PackSegInputs'),
])
unlabeled = dict(pipeline=[*weak, dict(type='PackSemiInputs')])
train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(batch_size=batch_size),
    dataset=dict(
        labeled=dict(pipeline=labeled['pipeline']),
        unlabeled=dict(pipeline=unlabeled['pipeline'])))
