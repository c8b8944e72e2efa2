# FCN-8s on ResNet-50, own images of animals: which pixels show animals.
# Published: none; own images have no published score.
# Needs: outlined animals in data/cattle (data/README.md); torchvision's ResNet-50 as it is.
# Departs: from FCN (CVPR 2015) in ResNet-50 with batch norm; 4 crops of 512 a step, scaled,
#   mirrored and distorted in colour; mean loss, SGD 0.01, poly, 4000 steps; upsampling learns;
#   dropout 0.1 before the coarse score alone.
_base_ = [
    '_base_/models/fcn_r50.py',
    '_base_/datasets/cattle_seg.py',
    '_base_/schedules/sgd_poly_4k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
