# Mask Teacher on Mask R-CNN and Swin-T, own animals: 200 outlined pictures, many others (after Xu et
#   al., ICCV 2021; Chen et al., CVPR 2022; Wang et al., CVPR 2022).
# Published: none; the animals are your own, and the method joins parts of three papers.
# Needs: own outlines as COCO files and a folder of pictures (data/README.md); MMDetection's COCO
#   checkpoint through tools/convert_coco_head.py, or Swin-T of
#   ImageNet.
# Departs: as maskteacher_mnv2_pigs_22.py; supervised for 400 of 3600 steps first.
# What it adds to mask-rcnn_swin-t_cattle.py.
_base_ = [
    './mask-rcnn_swin-t_cattle.py',
    '_base_/semi/maskteacher.py',
    '_base_/datasets/unlabeled_instances.py',
    '_base_/datasets/strong_instances.py',
]
batch_size = 4  # 2 labelled, 2 unlabelled
labeled = dict(_base_.train_dataloader.dataset)
unlabeled = dict(
    type='UnlabeledDataset',
    data_prefix=dict(img_path=_base_.unlabeled_root),
    pipeline=[
        *_base_.weak,
        dict(type='PackSemiDetInputs', strong=[*_base_.strong_place, *_base_.strong_look]),
    ])
model = dict(_delete_=True, detector=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=batch_size),
    dataset=dict(_delete_=True, type='SemiDataset', labeled=labeled, unlabeled=unlabeled))
# 1e-4 is for 16 labelled images a step, and every second one of a batch is labelled
auto_scale_lr = dict(base_batch_size=32)
default_hooks = dict(method=dict(_base_.method_hook, decay=0.999, warmup=400))
