# ISBI 2012: 30 grey images of 512x512, membranes and cells. FOLD=0, 1 or 2 names the third that
# validates. The pixel error is 100 - PA, the IoU of the foreground IoU.cell, the Rand score of the
# challenge VRand.
dataset_type = 'ISBIDataset'
data_root = '{{$ISBI_ROOT:data/isbi2012}}'
num_classes = 2
crop_size = (256, 256)
# mean and deviation of the 30 images
preprocessing = dict(mean=[126.16], std=[44.02], bgr_to_rgb=False)

load = [dict(type='LoadImageFromFile', color_type='grayscale'), dict(type='LoadAnnotations')]
# section 3.1 of U-Net: the same neurons bent, turned and mirrored, in other grey values
augment = [
    dict(type='ElasticDeformation', sigma=10.),
    # together these two give all eight turns and mirrorings
    dict(type='RandomRotFlip', rotate_prob=0.0, flip_prob=0.5),
    dict(type='RandomFlip', prob=0.5),
    dict(type='GreyVariation'),
]
# before the crop, so that cells beside it count; equation 2 of U-Net
weigh = [dict(type='BorderWeight', w0=10., sigma=5.)]
train_pipeline = [
    *load, *augment, *weigh,
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PackWeightedSegInputs'),
]
test_pipeline = [*load, dict(type='PackSegInputs')]
# tools/test.py --tta: as it is, mirrored, upside down
tta_pipeline = [
    dict(
        type='TTAViews',
        pipeline=test_pipeline,
        scales=(1., ),
        flips=('none', 'horizontal', 'vertical')),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='fold{{$FOLD:0}}/train.txt',
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='fold{{$FOLD:0}}/val.txt',
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = val_dataloader

val_evaluator = dict(type='CellMetric', classwise=True)
test_evaluator = val_evaluator
