# DeepLab-MSc-LargeFOV on VGG16, VOC 2012 with SBD (Chen et al., ICLR 2015).
# Published: mIoU 64.21 on val, one scale, no CRF.
# Needs: VOC 2012 and SBD; a checkpoint of deeplabv1_voc.py.
# Departs: as deeplabv1_voc.py; the paper (section 4.3) gives this stage no schedule, here it has
#   the first one's.
# Continues deeplabv1_voc.py: only the branches and the classifier learn.
_base_ = './deeplabv1_voc.py'
deeplabv1 = '{{$DEEPLABV1_CHECKPOINT:work_dirs/deeplabv1_voc/iter_6000.pth}}'
model = dict(
    init_cfg=dict(type='Pretrained', checkpoint=deeplabv1),
    backbone=dict(
        frozen=True,
        out_indices=('data', 'pool1', 'pool2', 'pool3', 'pool4', 'fc7'),
        init_cfg=None),
    decode_head=dict(type='DeepLabMScHead', in_channels=[3, 64, 128, 256, 512, 1024]))
# all that learns at the same rate, as published
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(_delete_=True)))
weights_from = {
    deeplabv1: 'It is the first stage: run python tools/train.py configs/deeplabv1_voc.py first, or '
               'set DEEPLABV1_CHECKPOINT. The backbone does not learn here, so that random values '
               'lead nowhere.',
}
