# PASCAL VOC 2012 with the masks of SBD in crops of 321 pixels, as DeepLab v1 was trained.
_base_ = './voc_sbd.py'
crop_size = (321, 321)
# a test pads images, of which none has more than 500 pixels a side
test_size = (513, 513)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(batch_size=20, dataset=dict(pipeline=train_pipeline))
