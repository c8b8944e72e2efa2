# UniMatch on DeepLabv3+, 92 labelled images of VOC 2012, crops of 321 (Yang et al., CVPR 2023).
# Published: mIoU on val 75.2 (92), 77.2 (183), 78.8 (366), 79.9 (732), 81.2 (1464).
# Needs: what suponly_r101-321_voc.py needs.
# Departs: images are paired within a batch, published with a second one, whose labels are taken in
#   evaluation mode.
# LABELED=183 python tools/train.py configs/unimatch_r101-321_voc.py takes 183; or 366, 732, 1464.
_base_ = [
    './suponly_r101-321_voc.py',
    '_base_/semi/unimatch_halved.py',
    '_base_/datasets/strong_views.py',
]
work_dir = 'work_dirs/unimatch_r101-321_voc_{{$LABELED:92}}'
unlabeled = dict(pipeline=[
    *_base_.weak, dict(type='PackSemiInputs', views=2, strong=_base_.strong)
])
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True,
        type='SemiDataset',
        labeled=_base_.labeled,
        unlabeled=dict(_base_.unlabeled, pipeline=unlabeled['pipeline'])))
default_hooks = dict(method=_base_.method_hook)
