# FCN-8s on Swin-T, PASCAL VOC 2012 (the head of Long, Shelhamer and Darrell, CVPR 2015).
# Published: none; FCN was published on VGG16, AlexNet and GoogLeNet.
# Needs: VOC 2012; Swin-T of ImageNet in the names of MMSegmentation.
# Departs: Swin-T; VOC's 1464 images, 4 crops of 512 a step, scaled and mirrored; mean loss, AdamW
#   6e-5, ten times that in the head, a warm-up of 1500 steps, poly, 20k steps; upsampling learns;
#   dropout 0.1 before the coarse score alone.
_base_ = [
    '_base_/models/fcn_swin-t.py',
    '_base_/datasets/voc.py',
    '_base_/schedules/adamw_poly_20k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
