# U2PL: what it adds to suponly_r101_cityscapes.py.
# LABELED=372 python tools/train.py configs/u2pl_r101_cityscapes.py takes 372 labelled images; or 744, 1488.
_base_ = ['./suponly_r101_cityscapes.py', '_base_/semi/u2pl.py']
work_dir = 'work_dirs/u2pl_r101_cityscapes_{{$LABELED:186}}'
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
# supervised for a round, as published
default_hooks = dict(method=dict(_base_.method_hook, warmup=_base_.epoch))
