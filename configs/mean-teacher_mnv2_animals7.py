# Mean Teacher on DeepLabv3+, 22 labelled images of seven animals (Tarvainen and Valpola, NeurIPS
#   2017).
# Published: none; the paper classifies images.
# Needs: the animals of data/README.md; the lists of tools/data/make_partition.py (docs/semi.md);
#   MobileNetV2 of ImageNet from the model zoo of MMPretrain.
# Departs: the weight is 8, the number of classes, after a ramp of a quarter of the steps, where
#   TorchSemiSeg has 100 without a ramp; only unlabelled images must agree; the student's images
#   change their colours; supervised for 200 iterations first; network and schedule are those of
#   suponly_mnv2_animals7.py.
# Measured: with a weight of 100, test mIoU 51.1 (sd 1.0), four seeds, 300 iterations after
#   suponly_mnv2_animals7.py and no warm-up (docs/semi.md).
# What it adds to suponly_mnv2_animals7.py.
_base_ = [
    './suponly_mnv2_animals7.py',
    '_base_/semi/mean-teacher.py',
    '_base_/datasets/strong_views.py',
]
unlabeled = dict(
    _base_.unlabeled,
    pipeline=[*_base_.weak, dict(type='PackSemiInputs', views=1, strong=_base_.strong)])
model = dict(
    _base_.method,
    _delete_=True,
    segmentor=_base_.model,
    # the number of classes: what the measured trainings had
    unsupervised=dict(_base_.method.unsupervised, weight=8.))
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=unlabeled))
default_hooks = dict(method=dict(_base_.method_hook, warmup=200))
