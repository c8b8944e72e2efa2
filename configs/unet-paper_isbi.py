# U-Net, ISBI 2012 (Ronneberger, Fischer and Brox, MICCAI 2015): unpadded, border weights.
# Published: none; the labels of the challenge's test stack are hidden. There the paper has a
#   warping error of 0.000353, a Rand error of 0.0382 and a pixel error of 0.0611, averaged over 7
#   rotations.
# Needs: ISBI 2012 in folds, by tools/data/prepare_isbi.py.
# Departs: rate and number of steps, which the paper does not name; two thirds of the images to
#   train on; grey values vary by the curve of the authors' later plugin for Fiji, as the paper asks
#   for variation without numbers; quarter turns and mirrorings for the rotations and shifts that it
#   asks for; images normalised by their mean and deviation; no ReLU behind the up-convolutions, as
#   in figure 1, where the authors' Caffe file has one; tests see each image once, --tta its mirror
#   images, where the paper averages over 7 rotations.
# One tile of 572 pixels a step, momentum 0.99, elastic deformation, He initialisation.
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
