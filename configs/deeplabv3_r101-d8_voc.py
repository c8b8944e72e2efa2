# DeepLabv3 on ResNet-101 at output stride 8, the second stage, VOC 2012 (Chen et al., arXiv 2017).
# Published: none; the paper trains this stage on trainval and scores the test set, not val.
# Needs: VOC 2012; a checkpoint of deeplabv3_r101_voc.py.
# Departs: trains on train, to be scored on val; the convolution behind the ASPP is 3x3, in the
#   paper 1x1; the stem has 3x3 convolutions of 32, 32 and 64 maps, in the published code of 64, 64
#   and 128.
# Frozen batch norm, a rate of 0.001 and VOC's own labels. As the paper, on the validation set as
# well:
# --cfg-options train_dataloader.dataset.ann_file=ImageSets/Segmentation/trainval.txt
_base_ = './deeplabv3_r101_voc.py'
first_stage = '{{$DEEPLABV3_CHECKPOINT:work_dirs/deeplabv3_r101_voc/iter_30000.pth}}'
model = dict(
    init_cfg=dict(type='Pretrained', checkpoint=first_stage),
    backbone=dict(
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        # 1, 2, 4 times the dilation of the stage
        multi_grid=(4, 8, 16),
        norm_cfg=dict(type='FrozenBN'),
        init_cfg=None),
    decode_head=dict(
        dilations=(1, 12, 24, 36),
        norm_cfg=dict(type='FrozenBN')))
train_dataloader = dict(
    dataset=dict(
        ann_file='ImageSets/Segmentation/train.txt',
        data_prefix=dict(seg_map_path='SegmentationClass')))
optim_wrapper = dict(optimizer=dict(lr=0.001))
weights_from = {
    first_stage: 'It is the first stage: run python tools/train.py configs/deeplabv3_r101_voc.py '
                 'first, or set DEEPLABV3_CHECKPOINT. With frozen norms this stage learns nothing '
                 'from random values.',
}
