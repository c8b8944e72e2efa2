# UniMatch V2: what it adds to suponly_mnv2_animals7.py.
# Published: none; the paper has DINOv2 on VOC, Cityscapes, COCO and ADE20K.
# Needs: what suponly_mnv2_animals7.py needs.
# Departs: a network with batch norm, which takes the statistics of labelled and unlabelled images
#   apart; the sum of the losses is not halved; supervised for 200 iterations first; network and
#   schedule are those of suponly_mnv2_animals7.py.
# Measured: test mIoU 48.1 (sd 1.6), four seeds, 300 iterations after
#   suponly_mnv2_animals7.py and no warm-up (docs/semi.md).
_base_ = [
    './suponly_mnv2_animals7.py',
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
default_hooks = dict(method=dict(_base_.method_hook, warmup=200))
