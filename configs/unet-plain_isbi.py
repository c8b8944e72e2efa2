# unet_isbi.py with the same weight for every pixel: plain cross-entropy.
_base_ = './unet_isbi.py'
work_dir = 'work_dirs/unet-plain_isbi/fold{{$FOLD:0}}'
train_pipeline = [
    *_base_.load,
    *_base_.augment,
    dict(type='RandomCrop', crop_size={{_base_.crop_size}}),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
