# U2PL on DINOv2-S, VOC 2012 with 92 labels.
# Published: none; the paper has ResNet-101.
# Needs: what suponly_dinov2-s_voc.py needs.
# Departs: as suponly_dinov2-s_voc.py and u2pl_r101_voc.py; the schedule is that of UniMatch V2
#   (AdamW 5e-6, 40 times that in the head, 60 rounds of crops of 518), where U2PL has SGD, 80
#   rounds and 513.
# LABELED=183 python tools/train.py configs/u2pl_dinov2-s_voc.py takes 183; or 366, 732, 1464.
_base_ = ['./suponly_dinov2-s_voc.py', '_base_/semi/u2pl.py']
work_dir = 'work_dirs/u2pl_dinov2-s_voc_{{$LABELED:92}}'
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
# supervised for a round, as published
default_hooks = dict(method=dict(_base_.method_hook, warmup=_base_.epoch))
