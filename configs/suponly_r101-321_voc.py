# DeepLabv3+ on ResNet-101, 92 labelled images of VOC 2012, crops of 321 (Yang et al., CVPR 2023).
# Published: mIoU on val 45.1 (92), 55.3 (183), 64.8 (366), 69.7 (732), 73.5 (1464), the SupBaseline of UniMatch.
# Needs: VOC 2012; SBD, for its list of images alone; the published lists (data/README.md); a
#   ResNet-101 of ImageNet with a stem of 64, 64 and 128 maps.
# Departs: lasts 80 rounds of the unlabelled images, as its twin with UniMatch, published of the
#   labelled ones.
# LABELED=183 python tools/train.py configs/suponly_r101-321_voc.py takes 183; or 366, 732, 1464.
_base_ = [
    '_base_/models/deeplabv3plus_r101-unimatch.py',
    '_base_/datasets/semi_voc_321.py',
    '_base_/schedules/u2pl_voc.py',
]
number = '{{$LABELED:92}}'
if number not in ('92', '183', '366', '732', '1464'):
    raise ValueError(
        f'LABELED={number}: the published lists are of 92, 183, 366, 732 and 1464 '
        'labelled images; set LABELED to one of these numbers')
work_dir = f'work_dirs/suponly_r101-321_voc_{number}'
lists = f'{_base_.splits}/{number}'
labeled = dict(_base_.labeled, ann_file=f'{lists}/labeled.txt')
unlabeled = dict(ann_file=f'{lists}/unlabeled.txt')
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
train_dataloader = dict(
    batch_size=_base_.batch_size // 2,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, **labeled))
# 80 rounds of the unlabelled images, 8 a step
epoch = (10582 - int(number)) // 8
param_scheduler = [
    dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=80 * epoch, by_epoch=False)
]
train_cfg = dict(max_iters=80 * epoch, val_interval=epoch)
default_hooks = dict(checkpoint=dict(interval=epoch))
del number  # not a setting
