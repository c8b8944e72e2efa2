# DeepLabv3+ on ResNet-101, the labels of 1323 images of VOC 2012 with SBD and nothing else.
_base_ = './suponly_r101_voc-blender_662.py'
lists = f'{_base_.splits}/1323'
labeled = dict(ann_file=f'{lists}/labeled.txt')
unlabeled = dict(ann_file=f'{lists}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
# 80 rounds of the unlabelled images, 16 a step
epoch = (10582 - 1323) // 16
param_scheduler = [
    dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=80 * epoch, by_epoch=False)
]
train_cfg = dict(max_iters=80 * epoch, val_interval=2 * epoch)
default_hooks = dict(checkpoint=dict(interval=2 * epoch))
