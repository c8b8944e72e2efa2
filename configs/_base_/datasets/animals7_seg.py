# Seven wild animals and the ground, 350 images to train on, 105 to validate and 105 to test, from COCO
# outlines: at 192 pixels, scored against the labels at the images' own size. data/README.md halves the
# published validation images.
_base_ = './cattle_seg.py'
data_root = '{{$ANIMALS7_ROOT:data/animals7}}'
halves = '{{$PARTITIONS:data/partitions}}/animals7/halves'
classes = ('bear', 'deer', 'elephant', 'otter', 'rhesus monkey', 'tiger', 'turtle')
num_classes = 1 + len(classes)
metainfo = dict(classes=classes)
scale = (192, 192)
crop_size = (128, 128)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadInstanceSegMap'),
    dict(type='RandomResize', scale=scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='LoadInstanceSegMap'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [dict(type='TTAViews', pipeline=test_pipeline)]
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        data_prefix=dict(img_path='train/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    num_workers=2,
    dataset=dict(
        metainfo=metainfo,
        data_root='',
        ann_file=f'{halves}/val.json',
        data_prefix=dict(img_path=f'{data_root}/val'),
        pipeline=test_pipeline))
test_dataloader = dict(
    num_workers=2,
    dataset=dict(
        metainfo=metainfo,
        data_root='',
        ann_file=f'{halves}/test.json',
        data_prefix=dict(img_path=f'{data_root}/val'),
        pipeline=test_pipeline))
