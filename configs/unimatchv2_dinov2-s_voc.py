# UniMatch V2 on DINOv2-S, VOC 2012 with 92 labels (Yang et al., TPAMI 2025).
# Published: mIoU on VOC's val with DINOv2-S and all weights trained 79.0 (92) and 86.6 (732), in
#   the last iteration by the authors' logs; 86.3 (92) on DINOv2-B.
# Needs: what suponly_dinov2-s_voc.py needs.
# Departs: as suponly_dinov2-s_voc.py does; the sum of the losses is not halved.
# LABELED=183 python tools/train.py configs/unimatchv2_dinov2-s_voc.py takes 183; or 366, 732, 1464.
_base_ = [
    './suponly_dinov2-s_voc.py',
    '_base_/semi/unimatchv2.py',
    '_base_/datasets/strong_views.py',
]
work_dir = 'work_dirs/unimatchv2_dinov2-s_voc_{{$LABELED:92}}'
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
