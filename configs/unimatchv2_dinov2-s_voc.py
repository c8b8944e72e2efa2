# UniMatch V2 on DINOv2-S, VOC 2012 with 92 labels (Yang et al., TPAMI 2025).
# Published: none on DINOv2-S with all weights trained; mIoU 86.3 with 92 labels on DINOv2-B, on VOC's val.
# Needs: what suponly_dinov2-s_voc.py needs.
# Departs: as suponly_dinov2-s_voc.py does; the supervised loss keeps its weight, published both are halved.
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
