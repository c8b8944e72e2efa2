# UPerNet on Swin-T, own outlined animals and nothing else.
_base_ = [
    '_base_/models/upernet_swin-t.py',
    '_base_/datasets/semi_cattle.py',
    '_base_/schedules/adamw_poly_4k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}),
    auxiliary_head=dict(num_classes={{_base_.num_classes}}))
train_dataloader = dict(
    batch_size=_base_.batch_size // 2,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, **_base_.labeled))
