# U2PL on DeepLabv3+, 92 labelled images of VOC 2012 (Wang et al., CVPR 2022).
# Published: mIoU on val 67.98 (92), 69.15 (183), 73.66 (366), 76.16 (732), 79.49 (1464).
# Needs: VOC 2012; SBD, for its list of images alone; the published lists (data/README.md);
#   ResNet-101 V1c of ImageNet from the model zoo of MMSegmentation.
# Departs: the stem has 32, 32 and 64 maps, published 64, 64 and 128; the decoder drops out before
#   the classifier alone, published after each convolution; follows the paper where the published
#   code departs from it (docs/semi.md); the representation comes from the features before the
#   classifier, published from the decoder's input; images are mixed one by one, published all of a
#   batch or none; 50 anchors and 256 negatives, published 256 and 50.
# LABELED=183 python tools/train.py configs/u2pl_r101_voc.py takes 183; or 366, 732, 1464.
_base_ = ['./suponly_r101_voc.py', '_base_/semi/u2pl.py']
work_dir = 'work_dirs/u2pl_r101_voc_{{$LABELED:92}}'
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
# supervised for a round, as published
default_hooks = dict(method=dict(_base_.method_hook, warmup=_base_.epoch))
