# U-Net with padding, PASCAL VOC 2012 (Ronneberger, Fischer and Brox, MICCAI 2015).
# Published: none; the paper has images of cells.
# Needs: VOC 2012 (data/README.md).
# Departs: padding and batch norm, where the paper has neither; plain cross-entropy; SGD 0.01 of
#   momentum 0.9, poly, 20000 steps of 4 crops of 512, scaled by 0.5 to 2 and mirrored, where it has
#   a momentum of 0.99, one tile a step, and elastic deformation.
# It starts from random values.
_base_ = [
    '_base_/models/unet.py',
    '_base_/datasets/voc.py',
    '_base_/schedules/sgd_poly_20k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
