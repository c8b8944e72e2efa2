# U2PL on DeepLabv3+, 186 labelled images of Cityscapes (Wang et al., CVPR 2022).
# Published: mIoU on val 70.30 (186), 74.37 (372), 76.47 (744), 79.05 (1488).
# Needs: Cityscapes; the published lists (data/README.md); ResNet-101 V1c of ImageNet from the model
#   zoo of MMSegmentation.
# Departs: the stem has 32, 32 and 64 maps, published 64, 64 and 128; the decoder drops out before
#   the classifier alone, published after each convolution; follows the paper where the published
#   code departs from it (docs/semi.md); the representation comes from the features before the
#   classifier, published from the decoder's input; images are mixed one by one, published all of a
#   batch or none; 50 anchors and 256 negatives, published 256 and 50; the heads learn at the rate
#   of the backbone as in the published code, in the paper at ten times it; OHEM takes 100000 pixels
#   of 16 images, published of the 2 that one of 8 GPUs has.
# LABELED=372 python tools/train.py configs/u2pl_r101_cityscapes.py takes 372; or 744, 1488.
# The rates of the paper: --cfg-options, for decode_head, auxiliary_head and representation,
# optim_wrapper.paramwise_cfg.custom_keys.decode_head.lr_mult=10.
# Images of 2048x1024 are scored by windows of 769 with a third of overlap, as published.
_base_ = ['./suponly_r101_cityscapes.py', '_base_/semi/u2pl.py']
work_dir = 'work_dirs/u2pl_r101_cityscapes_{{$LABELED:186}}'
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
# unlabelled from the first iteration on, as published for Cityscapes
default_hooks = dict(method=dict(_base_.method_hook, warmup=0))
