# PASCAL VOC 2012 with the masks of SBD: 10582 images to train on, VOC's 1449 to validate.
_base_ = './voc.py'

train_dataloader = dict(
    dataset=dict(
        ann_file='ImageSets/Segmentation/train_aug.txt',
        data_prefix=dict(seg_map_path='SegmentationClassAug')))
