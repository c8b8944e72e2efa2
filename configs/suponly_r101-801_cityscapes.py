# DeepLabv3+ on ResNet-101, 186 labelled images of Cityscapes, crops of 801 (Yang et al., CVPR 2023).
# Published: mIoU on val 66.3 (186), 72.8 (372), 75.0 (744), 78.0 (1488), the SupBaseline of UniMatch.
# Needs: Cityscapes; the published lists (data/README.md); a ResNet-101 of ImageNet with a stem of 64,
#   64 and 128 maps.
# Departs: lasts 240 rounds of the unlabelled images, as its twin with UniMatch, published of the
#   labelled ones; OHEM takes 200000 pixels of the images of a process, by default all 8, published
#   of the 2 of each of 4 GPUs; where windows meet the border they move inwards, published they are
#   cut; windows average logits, published probabilities.
# LABELED=372 python tools/train.py configs/suponly_r101-801_cityscapes.py takes 372; or 744, 1488.
# Images of 2048x1024 are scored by windows of 801, two thirds of that apart, as published.
_base_ = [
    '_base_/models/deeplabv3plus_r101-unimatch.py',
    '_base_/datasets/semi_cityscapes_801.py',
    '_base_/schedules/unimatch_cityscapes.py',
]
number = '{{$LABELED:186}}'
if number not in ('186', '372', '744', '1488'):
    raise ValueError(
        f'LABELED={number}: the published lists are of 186, 372, 744 and 1488 '
        'labelled images; set LABELED to one of these numbers')
work_dir = f'work_dirs/suponly_r101-801_cityscapes_{number}'
lists = f'{_base_.splits}/{number}'
labeled = dict(_base_.labeled, ann_file=f'{lists}/labeled.txt')
unlabeled = dict(ann_file=f'{lists}/unlabeled.txt')
hard = dict(_delete_=True, type='OhemCrossEntropyLoss', thresh=0.7, min_kept=200000)
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}, loss_decode=hard),
    test_cfg=dict(mode='slide', crop_size={{_base_.crop_size}}, stride=(534, 534)))
train_dataloader = dict(
    batch_size=_base_.batch_size // 2,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, **labeled))
# 240 rounds of the unlabelled images, 8 a step
epoch = (2975 - int(number)) // 8
param_scheduler = [
    dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=240 * epoch, by_epoch=False)
]
train_cfg = dict(max_iters=240 * epoch, val_interval=2 * epoch)
default_hooks = dict(checkpoint=dict(interval=2 * epoch))
del number, hard  # not settings
