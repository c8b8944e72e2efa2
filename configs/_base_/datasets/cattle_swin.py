# The same with the augmentation published for Swin, which is that of DETR: one of two ways, by chance.
_base_ = './cattle.py'
# the shorter side from 480 to 800
sizes = [(_base_.longest, shortest) for shortest in range(480, 801, 32)]

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomChoice',
        transforms=[
            [dict(type='RandomChoiceResize', scales=sizes, keep_ratio=True)],
            [
                dict(
                    type='RandomChoiceResize',
                    scales=[(_base_.longest, shortest) for shortest in (400, 500, 600)],
                    keep_ratio=True),
                # sides from 384 to 600 pixels; a crop without animals counts as well
                dict(
                    type='RandomCrop',
                    crop_type='absolute_range',
                    crop_size=(384, 600),
                    allow_negative_crop=True),
                dict(type='RandomChoiceResize', scales=sizes, keep_ratio=True),
            ],
        ]),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
