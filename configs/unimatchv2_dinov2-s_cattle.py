# UniMatch V2 on frozen DINOv2-S, own animals: 200 outlined images, many others, one small GPU.
# Published: none; the data are your own.
# Needs: what suponly_dinov2-s_cattle.py needs.
# Departs: as suponly_dinov2-s_cattle.py; the sum of the losses is not halved.
_base_ = [
    './suponly_dinov2-s_cattle.py',
    '_base_/semi/unimatchv2.py',
    '_base_/datasets/strong_views.py',
]
unlabeled = dict(
    _base_.unlabeled,
    pipeline=[*_base_.weak, dict(type='PackSemiInputs', views=2, strong=_base_.strong)])
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=unlabeled))
default_hooks = dict(method=_base_.method_hook)
