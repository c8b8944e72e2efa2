# Outlined animals: images/ and {train,val,test}.json (COCO); data/README.md shows how to make them.
dataset_type = 'CattleDataset'
data_root = '{{$CATTLE_ROOT:data/cattle}}'
# the categories of the files; one class alone is written ('cattle', ) with its comma
classes = ('cattle', )
num_classes = len(classes)
metainfo = dict(classes=classes)
longest = 1333

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    # the shorter side from 480 to 800
    dict(
        type='RandomChoiceResize',
        scales=[(longest, shortest) for shortest in range(480, 801, 32)],
        keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(longest, 800), keep_ratio=True),
    # after the resizing: scores are taken at the size of the image
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor',
                   'instances')),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='train.json',
        data_prefix=dict(img='images/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='val.json',
        data_prefix=dict(img='images/'),
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = dict(
    val_dataloader, dataset=dict(val_dataloader['dataset'], ann_file='test.json'))

val_evaluator = [
    dict(type='FastCocoMetric', metric=['bbox', 'segm']),
    dict(type='CountMetric'),
]
test_evaluator = val_evaluator
