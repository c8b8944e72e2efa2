# CutMix-Seg on DeepLabv3+, 22 labelled images of seven animals (French et al., BMVC 2020).
# Published: none; the division of the images is ours.
# Needs: the animals of data/README.md; the lists of tools/data/make_partition.py (docs/semi.md);
#   MobileNetV2 of ImageNet from the model zoo of MMPretrain.
# Departs: the student's images also change their colours; images are paired within a batch,
#   published with a second one; supervised for 200 iterations first; network and schedule are those
#   of suponly_mnv2_animals7.py.
# Measured: test mIoU 49.6 (sd 2.8), four seeds, 300 iterations after
#   suponly_mnv2_animals7.py and no warm-up (docs/semi.md).
# What it adds to suponly_mnv2_animals7.py.
_base_ = [
    './suponly_mnv2_animals7.py',
    '_base_/semi/cutmix-seg.py',
    '_base_/datasets/strong_views.py',
]
unlabeled = dict(
    _base_.unlabeled,
    pipeline=[*_base_.weak, dict(type='PackSemiInputs', views=1, strong=_base_.strong)])
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=unlabeled))
default_hooks = dict(method=dict(_base_.method_hook, warmup=200))
