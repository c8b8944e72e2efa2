# CPS: what it adds to suponly_mnv2_animals7.py.
_base_ = ['./suponly_mnv2_animals7.py', '_base_/semi/cps.py']
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
default_hooks = dict(method=dict(_base_.method_hook, warmup=200))
