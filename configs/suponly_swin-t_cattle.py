# UPerNet on Swin-T, own outlined animals (Liu et al., ICCV 2021).
# Published: none; the animals are your own.
# Needs: own outlines as COCO files (data/README.md); Swin-T of ImageNet.
# Departs: as upernet_swin-t_cattle.py.
# The twin of u2pl_swin-t_cattle.py: the same labels and nothing else.
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
