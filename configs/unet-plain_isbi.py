# unet_isbi.py with the same weight for every pixel: plain cross-entropy.
# Published: none; see unet-paper_isbi.py.
# Needs: ISBI 2012 in folds, by tools/data/prepare_isbi.py.
# Departs: as unet_isbi.py, and without the border weights.
# Measured: pixel error 8.5, IoU of the cells 89.7, means of three folds, before grey values varied.
_base_ = './unet_isbi.py'
work_dir = 'work_dirs/unet-plain_isbi/fold{{$FOLD:0}}'
train_pipeline = [
    *_base_.load,
    *_base_.augment,
    dict(type='RandomCrop', crop_size={{_base_.crop_size}}),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
