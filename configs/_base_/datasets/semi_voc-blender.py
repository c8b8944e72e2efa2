# VOC 2012 with SBD as U2PL divides it ("blender"): labels of some of the 10582 images, SBD's masks
# among them. An experiment names its published lists, here those of 1323.
_base_ = './semi_voc.py'
data_root = '{{$VOC_ROOT:data/VOCdevkit/VOC2012}}'
splits = '{{$VOC_SPLITS:data/voc_splits}}'

labeled = dict(
    ann_file=f'{splits}/1323/labeled.txt',
    data_prefix=dict(seg_map_path=f'{data_root}/SegmentationClassAug'))
unlabeled = dict(ann_file=f'{splits}/1323/unlabeled.txt')
train_dataloader = dict(dataset=dict(labeled=labeled, unlabeled=unlabeled))
