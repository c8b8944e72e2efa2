# DPT on frozen DINOv2-S, own outlined animals and nothing else: for one small GPU.
# Published: none; the data are your own.
# Needs: outlined images as COCO files (data/README.md); dinov2_vits14_pretrain.pth.
# Departs: the backbone is frozen, published it learns; 4000 steps of 4 crops, whose colours are
#   distorted as well; the rate rises for 300 steps and falls linearly, published with a power
#   of 0.9; images are tested padded to whole patches, published resized to them.
_base_ = [
    '_base_/models/dpt_dinov2-s.py',
    '_base_/datasets/semi_cattle_518.py',
    '_base_/schedules/adamw_poly_4k.py',
]
model = dict(
    backbone=dict(frozen=True), decode_head=dict(num_classes={{_base_.num_classes}}))
# of the decoder, which alone learns; as published
optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_dataloader = dict(
    batch_size=_base_.batch_size // 2,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, **_base_.labeled))
