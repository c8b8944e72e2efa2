# U2PL on DeepLabv3+, 22 labelled images of seven animals (Wang et al., CVPR 2022).
# Published: none; the division of the images is ours.
# Needs: the animals of data/README.md; the lists of tools/data/make_partition.py (docs/semi.md);
#   MobileNetV2 of ImageNet from the model zoo of MMPretrain.
# Departs: follows the paper where the published code departs from it (docs/semi.md); the
#   representation comes from the features before the classifier, published from the decoder's
#   input; images are mixed one by one, published all of a batch or none; 50 anchors and 256
#   negatives, published 256 and 50; every image is mixed, not every second one; the student's
#   images also change their colours; banks of 5000 keys, 64 maps in the representation; network and
#   schedule are those of suponly_mnv2_animals7.py.
# Measured: with every second image mixed, 256 anchors and 50 negatives, test mIoU 49.6 (sd 2.5),
#   four seeds, 300 iterations after suponly_mnv2_animals7.py and no warm-up (docs/semi.md).
# What it adds to suponly_mnv2_animals7.py.
_base_ = [
    './suponly_mnv2_animals7.py',
    '_base_/semi/u2pl_slim.py',
    '_base_/datasets/strong_views.py',
]
unlabeled = dict(
    _base_.unlabeled,
    pipeline=[*_base_.weak, dict(type='PackSemiInputs', views=1, strong=_base_.strong)])
# most images show one animal, and few are labelled: every image is mixed, not every second one
model = dict(
    _base_.method,
    _delete_=True,
    segmentor=_base_.model,
    unsupervised=dict(_base_.method.unsupervised, mix_prob=1.))
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=unlabeled))
default_hooks = dict(method=dict(_base_.method_hook, warmup=200))
