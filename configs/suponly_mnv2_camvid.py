# DeepLab v3+ on MobileNetV2, the labels of 46 of CamVid's 367 images and nothing else.
# Published: none; it is the baseline of u2pl_mnv2_camvid.py.
# Needs: CamVid and its partition of 46 (data/README.md); an ImageNet MobileNetV2 as
#   weights/mobilenet_v2.pth.
# Departs: made to train in minutes on a CPU. The network is that of deeplabv3plus_mnv2_camvid.py;
#   SGD 0.05, poly, 800 steps of 8 crops of 160x208; colours are distorted.
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
