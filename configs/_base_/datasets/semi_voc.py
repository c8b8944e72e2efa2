# VOC 2012 as U2PL divides it ("classic"): labels of VOC's own 1464 images or fewer, the others of the
# 10582 unlabelled. An experiment names its published lists, here those of 732.
_base_ = './voc.py'
data_root = '{{$VOC_ROOT:data/VOCdevkit/VOC2012}}'
splits = '{{$VOC_SPLITS:data/voc_splits}}'
crop_size = (513, 513)
batch_size = 32  # 16 labelled, 16 unlabelled; divide both by the number of processes

# the longer side of every image is 500: half to double size, as published
geometry = [
    dict(type='RandomResize', scale=(500, 500), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
weak = [dict(type='LoadImageFromFile'), *geometry]
# the supervised twin trains on this, and on nothing else
labeled = dict(
    type='VOCSegDataset',
    ann_file=f'{splits}/732/labeled.txt',
    data_prefix=dict(
        img_path=f'{data_root}/JPEGImages', seg_map_path=f'{data_root}/SegmentationClass'),
    pipeline=[
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        *geometry,
        dict(type='PackSegInputs'),
    ])
unlabeled = dict(
    type='UnlabeledDataset',
    ann_file=f'{splits}/732/unlabeled.txt',
    data_prefix=dict(img_path=f'{data_root}/JPEGImages'),
    pipeline=[*weak, dict(type='PackSemiInputs')])

train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=batch_size),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
# validation is that of voc.py: the published centre crop of 513 keeps every image whole, none exceeds 500
