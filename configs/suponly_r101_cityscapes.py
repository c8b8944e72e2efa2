# DeepLabv3+ on ResNet-101, 186 labelled images of Cityscapes (Wang et al., CVPR 2022).
# Published: mIoU on val 65.74 (186), 72.53 (372), 74.43 (744), 77.83 (1488).
# Needs: Cityscapes; the published lists (data/README.md); ResNet-101 V1c of ImageNet from the model
#   zoo of MMSegmentation.
# Departs: the stem has 32, 32 and 64 maps, published 64, 64 and 128; the decoder drops out before
#   the classifier alone, published after each convolution; lasts 200 rounds of the unlabelled
#   images, as its twin with U2PL, published of the labelled ones; the heads learn at the rate of
#   the backbone as in the published code, in the paper at ten times it; OHEM takes 100000 pixels of
#   16 images, published of the 4 that one of 4 GPUs has.
# LABELED=372 python tools/train.py configs/suponly_r101_cityscapes.py takes 372; or 744, 1488.
# The rates of the paper: --cfg-options, for decode_head, auxiliary_head and representation,
# optim_wrapper.paramwise_cfg.custom_keys.decode_head.lr_mult=10.
# Images of 2048x1024 are scored by windows of 769 with a third of overlap, as published.
_base_ = [
    '_base_/models/deeplabv3plus_r101_ohem.py',
    '_base_/datasets/semi_cityscapes.py',
    '_base_/schedules/u2pl_cityscapes.py',
]
number = '{{$LABELED:186}}'
if number not in ('186', '372', '744', '1488'):
    raise ValueError(
        f'LABELED={number}: the published lists are of 186, 372, 744 and 1488 '
        'labelled images; set LABELED to one of these numbers')
work_dir = f'work_dirs/suponly_r101_cityscapes_{number}'
lists = f'{_base_.splits}/{number}'
labeled = dict(_base_.labeled, ann_file=f'{lists}/labeled.txt')
unlabeled = dict(ann_file=f'{lists}/unlabeled.txt')
# images of 2048x1024 are scored by windows of the size of the crops
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}),
    auxiliary_head=dict(num_classes={{_base_.num_classes}}),
    test_cfg=dict(mode='slide', crop_size={{_base_.crop_size}}, stride=(513, 513)))
train_dataloader = dict(
    batch_size=_base_.batch_size // 2,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, **labeled))
# 200 rounds of the unlabelled images, 16 a step
epoch = (2975 - int(number)) // 16
param_scheduler = [
    dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=200 * epoch, by_epoch=False)
]
train_cfg = dict(max_iters=200 * epoch, val_interval=5 * epoch)
default_hooks = dict(checkpoint=dict(interval=5 * epoch))
del number  # not a setting
