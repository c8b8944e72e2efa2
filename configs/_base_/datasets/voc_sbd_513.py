# PASCAL VOC 2012 with the masks of SBD in crops of 513 pixels, 16 a step, as DeepLabv3 and v3+ were
# trained. Several processes share the 16: set train_dataloader.batch_size to 16 / processes.
_base_ = './voc_sbd.py'
crop_size = (513, 513)
# a test pads images, of which none has more than 500 pixels a side
test_size = (513, 513)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    # the longer side of nearly all images has 500 pixels: half to twice their size
    dict(type='RandomResize', scale=(500, 500), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
