# DeepLabv3+ on ResNet-101, the labels of 372 images of Cityscapes and nothing else.
_base_ = './suponly_r101_cityscapes_186.py'
lists = f'{_base_.splits}/372'
labeled = dict(ann_file=f'{lists}/labeled.txt')
unlabeled = dict(ann_file=f'{lists}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
# 200 rounds of the unlabelled images, 16 a step
epoch = (2975 - 372) // 16
param_scheduler = [
    dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=200 * epoch, by_epoch=False)
]
train_cfg = dict(max_iters=200 * epoch, val_interval=5 * epoch)
default_hooks = dict(checkpoint=dict(interval=5 * epoch))
