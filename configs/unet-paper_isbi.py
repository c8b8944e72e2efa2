# The U-Net of the paper (arXiv 1505.04597) on ISBI 2012: 64 maps, unpadded, one tile of 572 pixels
# a step, momentum 0.99, elastic deformation, border weights, He initialisation. Not the paper's:
# rate and iterations, which it does not name, and training on two thirds of the images.
_base_ = [
    '_base_/models/unet_unpadded.py',
    '_base_/datasets/isbi.py',
    '_base_/schedules/unet_40k.py',
]
work_dir = 'work_dirs/unet-paper_isbi/fold{{$FOLD:0}}'
crop_size = (572, 572)
train_pipeline = [
    *_base_.load, *_base_.augment, *_base_.weigh,
    # the 388 pixels in the middle of any crop, which the loss sees, then lie in the image
    dict(type='MirrorBorder', margin=92),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PackWeightedSegInputs'),
]
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
model = dict(
    data_preprocessor={{_base_.preprocessing}},
    decode_head=dict(num_classes={{_base_.num_classes}}))
