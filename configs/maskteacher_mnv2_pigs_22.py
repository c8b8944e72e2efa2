# Mask Teacher on Mask R-CNN and MobileNetV2, 22 outlined pictures of pigs and 204 others (after Xu et
#   al., ICCV 2021; Chen et al., CVPR 2022; Wang et al., CVPR 2022).
# Published: none; the method joins parts of three papers.
# Needs: the pigs and their partition of data/README.md; MobileNetV2 of ImageNet from the model zoo of
#   MMDetection.
# Departs: MMDetection's Soft Teacher takes boxes from a score of 0.9 on and learns no masks, here the
#   score follows the number of pigs in the labelled pictures; pixels of masks are left out as U2PL
#   leaves out pixels of label maps; network and schedule are ours.
# What it adds to mask-rcnn_mnv2_pigs.py. 500 steps, the first 200 on labels alone.
_base_ = [
    './mask-rcnn_mnv2_pigs.py',
    '_base_/semi/maskteacher.py',
    '_base_/datasets/strong_instances.py',
]
data_root = '{{$PIGS_ROOT:data/pigs}}'
partition = '{{$PARTITIONS:data/partitions}}/pigs/22'
batch_size = 8  # 4 labelled, 4 unlabelled

# what a teacher sees: colours unchanged, the size of the test
weak = [
    dict(type='LoadImageFromFile'),
    # the truth of the unlabelled serves to measure the pseudo-labels only
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.9, 1.1), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
]
# what the student sees of it
strong = [
    dict(type='RandomResize', scale=_base_.scale, ratio_range=(0.7, 1.15), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    *_base_.strong_look,
]
images = dict(img=f'{data_root}/images/')
labeled = dict(
    type='CattleDataset',
    metainfo=_base_.metainfo,
    ann_file=f'{partition}/labeled.json',
    data_prefix=images,
    pipeline=_base_.train_pipeline)
unlabeled = dict(
    type='CattleDataset',
    metainfo=_base_.metainfo,
    ann_file=f'{partition}/unlabeled.json',
    data_prefix=images,
    pipeline=[*weak, dict(type='PackSemiDetInputs', strong=strong)])

model = dict(_delete_=True, detector=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=batch_size),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
default_hooks = dict(
    method=dict(_base_.method_hook, warmup=200), checkpoint=dict(interval=250))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', eta_min=3e-6, by_epoch=False, begin=30, end=500),
]
train_cfg = dict(max_iters=500, val_interval=250)
