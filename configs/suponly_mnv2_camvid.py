# DeepLabv3+ on MobileNetV2, the labels of 46 images of CamVid and nothing else.
_base_ = [
    '_base_/models/deeplabv3plus_mnv2.py',
    '_base_/datasets/semi_camvid.py',
    '_base_/schedules/sgd_poly_800.py',
]
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
train_dataloader = dict(
    batch_size=_base_.batch_size // 2,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, **_base_.labeled))
