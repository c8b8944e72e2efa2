# PASCAL VOC 2012 as the published code of RefineNet reads it: images of a shorter side of at least
# 450 pixels, scaled by 0.7 to 1.3 in steps of 0.1, crops of 400, one a step. The network sees all
# of them 1.2 times as large, also in tests.
_base_ = './voc.py'
crop_size = (400, 400)
bound = dict(type='BoundShortSide', minimum=450, maximum=1100, interpolation='bicubic')
enlarge = dict(type='Resize', scale_factor=1.2, keep_ratio=True, interpolation='bicubic')
scales = [[dict(type='Resize', scale_factor=factor, keep_ratio=True, interpolation='bicubic')]
          for factor in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)]
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    bound,
    dict(type='RandomChoice', transforms=scales),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=crop_size),
    enlarge,
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    bound,
    enlarge,
    # after the resize: the label keeps its own size, and the logits are brought up to it
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
# tools/test.py --tta: at the five scales of the published code, not mirrored
tta_pipeline = [
    dict(
        type='TTAViews',
        pipeline=test_pipeline,
        scales=(0.4, 0.6, 0.8, 1.0, 1.2),
        flips=('none', )),
]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
