# UniMatch on DeepLabv3+, 186 labelled images of Cityscapes, crops of 801 (Yang et al., CVPR 2023).
# Published: mIoU on val 76.6 (186), 77.9 (372), 79.2 (744), 79.5 (1488).
# Needs: what suponly_r101-801_cityscapes.py needs.
# Departs: images are paired within a batch, published with a second one, whose labels are taken in
#   evaluation mode; OHEM and the windows of the test as suponly_r101-801_cityscapes.py.
# LABELED=372 python tools/train.py configs/unimatch_r101-801_cityscapes.py takes 372; or 744, 1488.
# Every pixel teaches, as published for Cityscapes: the threshold is 0.
_base_ = [
    './suponly_r101-801_cityscapes.py',
    '_base_/semi/unimatch_halved.py',
    '_base_/datasets/strong_views.py',
]
work_dir = 'work_dirs/unimatch_r101-801_cityscapes_{{$LABELED:186}}'
unlabeled = dict(pipeline=[
    *_base_.weak, dict(type='PackSemiInputs', views=2, strong=_base_.strong)
])
method = dict(unsupervised=dict(threshold=0.))
model = dict(
    _delete_=True,
    segmentor=_base_.model,
    type=_base_.method.type,
    unsupervised=dict(_base_.method.unsupervised, **method['unsupervised']))
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True,
        type='SemiDataset',
        labeled=_base_.labeled,
        unlabeled=dict(_base_.unlabeled, pipeline=unlabeled['pipeline'])))
default_hooks = dict(method=_base_.method_hook)
