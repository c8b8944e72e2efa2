# FCN-8s on ResNet-50, own outlined animals.
# Published: none; the animals are your own.
# Needs: own outlines as COCO files (data/README.md); torchvision's ResNet-50.
# Departs: the recipe is ours: SGD 0.01, poly, 4000 steps of 4 crops of 512.
# The twin of u2pl_r50_cattle.py: the same labels and nothing else.
_base_ = [
    '_base_/models/fcn_r50.py',
    '_base_/datasets/semi_cattle.py',
    '_base_/schedules/sgd_poly_4k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}, size_divisor=None),
    decode_head=dict(num_classes={{_base_.num_classes}}))
train_dataloader = dict(
    batch_size=_base_.batch_size // 2,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, **_base_.labeled))
