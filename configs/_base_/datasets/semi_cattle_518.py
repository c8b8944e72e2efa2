# semi_cattle.py with crops of 518 pixels, 37 patches of DINOv2.
_base_ = './semi_cattle.py'
crop_size = (518, 518)
geometry = [
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
weak = [dict(type='LoadImageFromFile'), *geometry]
labeled = dict(pipeline=[
    dict(type='LoadImageFromFile'),
    dict(type='LoadInstanceSegMap'),
    *geometry,
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
])
unlabeled = dict(pipeline=[*weak, dict(type='PackSemiInputs')])
train_dataloader = dict(dataset=dict(
    labeled=dict(pipeline=labeled['pipeline']), unlabeled=dict(pipeline=unlabeled['pipeline'])))
