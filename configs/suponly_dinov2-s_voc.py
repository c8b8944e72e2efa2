# DPT on DINOv2-S, the labels of 92 images of VOC 2012 and nothing else (Yang et al., TPAMI 2025).
# Published: mIoU on VOC's val with DINOv2-S and all weights trained 65.2 (92) and 85.4 (1464), in the
#   last iteration by the authors' logs.
# Needs: VOC 2012, the published lists; SBD, for its list of images alone (data/README.md);
#   dinov2_vits14_pretrain.pth.
# Departs: images are tested padded to whole patches, published resized to them; crops are those of
#   images whose longer side is 500, scaled by 0.5 to 2; lasts 60 rounds of the unlabelled images
#   with 16 labelled ones a step, as its twin with UniMatch V2, published 60 of 3000 images with 32.
# LABELED=183 python tools/train.py configs/suponly_dinov2-s_voc.py takes 183; or 366, 732, 1464.
_base_ = [
    '_base_/models/dpt_dinov2-s.py',
    '_base_/datasets/semi_voc_518.py',
    '_base_/schedules/dinov2_voc.py',
]
number = '{{$LABELED:92}}'
if number not in ('92', '183', '366', '732', '1464'):
    raise ValueError(
        f'LABELED={number}: the published lists are of 92, 183, 366, 732 and 1464 '
        'labelled images; set LABELED to one of these numbers')
work_dir = f'work_dirs/suponly_dinov2-s_voc_{number}'
lists = f'{_base_.splits}/{number}'
labeled = dict(_base_.labeled, ann_file=f'{lists}/labeled.txt')
unlabeled = dict(ann_file=f'{lists}/unlabeled.txt')
model = dict(decode_head=dict(num_classes={{_base_.num_classes}}))
train_dataloader = dict(
    batch_size=_base_.batch_size // 2,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(_delete_=True, **labeled))
# 60 rounds of the unlabelled images, 16 a step
epoch = (10582 - int(number)) // 16
param_scheduler = [
    dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=60 * epoch, by_epoch=False)
]
train_cfg = dict(max_iters=60 * epoch, val_interval=2 * epoch)
default_hooks = dict(checkpoint=dict(interval=2 * epoch))
del number  # not a setting
