# U2PL on DeepLabv3+, 662 labelled images of VOC 2012 with SBD (Wang et al., CVPR 2022).
# Published: mIoU on val 77.21 (662), 79.01 (1323), 79.30 (2646), 80.50 (5291).
# Needs: VOC 2012 and SBD; the published lists (data/README.md); ResNet-101 V1c of ImageNet from the
#   model zoo of MMSegmentation.
# Departs: the stem has 32, 32 and 64 maps, published 64, 64 and 128; the decoder drops out before
#   the classifier alone, published after each convolution; follows the paper where the published
#   code departs from it (docs/semi.md); the representation comes from the features before the
#   classifier, published from the decoder's input; images are mixed one by one, published all of a
#   batch or none; 50 anchors and 256 negatives, published 256 and 50.
# LABELED=1323 python tools/train.py configs/u2pl_r101_voc-blender.py takes 1323; or 2646, 5291.
_base_ = ['./suponly_r101_voc-blender.py', '_base_/semi/u2pl.py']
work_dir = 'work_dirs/u2pl_r101_voc-blender_{{$LABELED:662}}'
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
# supervised for a round, as published
default_hooks = dict(method=dict(_base_.method_hook, warmup=_base_.epoch))
