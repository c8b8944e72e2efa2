# U2PL: what it adds to suponly_mnv2_animals7.py.
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
