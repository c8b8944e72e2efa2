# What FCN compares its backbones on (arXiv 1411.4038, table 1): the 1112 images of VOC 2011's
# training set, one whole image a step; scored on the 736 of its validation set that are not in SBD's
# training set.
_base_ = './voc_whole_sbd.py'
train_dataloader = dict(
    dataset=dict(
        ann_file='{{$VOC11_TRAIN:ImageSets/Segmentation/train11.txt}}',
        list_count=1112,
        data_prefix=dict(seg_map_path='SegmentationClass')))
