# Outlined animals for semantic segmentation: the files of cattle.py, background and animals.
dataset_type = 'CattleSegDataset'
data_root = '{{$CATTLE_ROOT:data/cattle}}'
# the categories of the files; one class alone is written ('cattle', ) with its comma
classes = ('cattle', )
# and the background
num_classes = 1 + len(classes)
metainfo = dict(classes=classes)
scale = (2048, 512)
crop_size = (512, 512)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadInstanceSegMap'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    # after the resize: the label map keeps the size of the image, at which scores are taken
    dict(type='LoadInstanceSegMap'),
    dict(type='PackSegInputs'),
]
# tools/test.py --tta: at six scales of it, as it is and mirrored, averaged
tta_pipeline = [dict(type='TTAViews', pipeline=test_pipeline)]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='train.json',
        data_prefix=dict(img_path='images/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='val.json',
        data_prefix=dict(img_path='images/'),
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = dict(
    val_dataloader, dataset=dict(val_dataloader['dataset'], ann_file='test.json'))

val_evaluator = dict(type='SegMetric')
test_evaluator = val_evaluator
