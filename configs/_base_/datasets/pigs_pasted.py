# The same with pigs of other training images pasted into every second one (PasteInstances).
_base_ = './pigs.py'
train_pipeline = [
    dict(type='PasteInstances', number=(1, 8), sources=3, cover=(0.02, 0.15)),
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.7, 1.15), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='PhotoMetricDistortion',
        brightness_delta=24,
        contrast_range=(0.7, 1.3),
        saturation_range=(0.7, 1.3),
        hue_delta=10),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MultiImageMixDataset',
        dataset=dict(
            type='CattleDataset',
            metainfo=_base_.metainfo,
            data_root=_base_.data_root,
            ann_file='train.json',
            data_prefix=dict(img='images/'),
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            ]),
        pipeline=train_pipeline))
