# U2PL: what it adds to suponly_r101_voc-blender.py.
# LABELED=1323 python tools/train.py configs/u2pl_r101_voc-blender.py takes 1323 labelled images; or 2646, 5291.
_base_ = ['./suponly_r101_voc-blender.py', '_base_/semi/u2pl.py']
work_dir = 'work_dirs/u2pl_r101_voc-blender_{{$LABELED:662}}'
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
# supervised for a round, as published
default_hooks = dict(method=dict(_base_.method_hook, warmup=_base_.epoch))
