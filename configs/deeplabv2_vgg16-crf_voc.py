# DeepLab v2 (ASPP-L) on VGG16 with the CRF, VOC 2012 with SBD (Chen et al., TPAMI 2018).
# Published: mIoU 71.57 on val, one scale; 72.6 on test.
# Needs: what deeplabv2_vgg16_voc.py needs, and its checkpoint; pip install -e '.[crf]'.
# Departs: as deeplabv2_vgg16_voc.py.
# With a checkpoint of deeplabv2_vgg16_voc.py:
# python tools/test.py configs/deeplabv2_vgg16-crf_voc.py CHECKPOINT.pth
_base_ = './deeplabv2_vgg16_voc.py'
model = dict(
    test_cfg=dict(
        crf=dict(
            type='DenseCRF',
            iterations=10,
            bilateral=dict(weight=4, xy=65, rgb=3),
            gaussian=dict(weight=2, xy=2))))
