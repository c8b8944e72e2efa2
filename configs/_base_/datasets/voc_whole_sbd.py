# What the published FCN was trained and scored on: the 8498 images of SBD's training set with the
# masks of SBD, one whole image a step, and the 736 images of VOC 2011's validation set that are not
# among them (arXiv 1411.4038, footnote 7), with VOC's masks.
_base_ = './voc_whole.py'
train_dataloader = dict(
    dataset=dict(
        ann_file='{{$SBD_TRAIN:ImageSets/Segmentation/sbd_train.txt}}',
        list_count=8498,
        data_prefix=dict(seg_map_path='SegmentationClassSBD')))
val_dataloader = dict(
    dataset=dict(
        ann_file='{{$SEG11VALID:ImageSets/Segmentation/seg11valid.txt}}', list_count=736))
test_dataloader = val_dataloader
