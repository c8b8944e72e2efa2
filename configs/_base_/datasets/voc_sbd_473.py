# PASCAL VOC 2012 with the masks of SBD in crops of 473 pixels, 16 a step, as PSPNet was trained: half
# to twice the size, -10 to 10 degrees, blur. Several processes share the 16: set
# train_dataloader.batch_size to 16 / processes.
_base_ = './voc_sbd.py'
crop_size = (473, 473)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    # the longer side of nearly all images has 500 pixels
    dict(type='RandomResize', scale=(500, 500), ratio_range=(0.5, 2.0), keep_ratio=True),
    # corners that appear have the mean colour, BGR, and no label
    dict(type='RandomRotate', prob=0.5, degree=10, pad_val=(103.53, 116.28, 123.675),
         seg_pad_val=255),
    dict(type='RandomGaussianBlur', prob=0.5),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
# as published: the longer side has 512 pixels, for windows of 473 (model.test_cfg)
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(512, 512), keep_ratio=True),
    # after the resize: scores are taken at the size of the image
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [dict(type='TTAViews', pipeline=test_pipeline)]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
