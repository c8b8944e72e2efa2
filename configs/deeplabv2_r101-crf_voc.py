# DeepLab v2 on ResNet-101 with the CRF, VOC 2012 with SBD (Chen et al., TPAMI 2018).
# Published: mIoU 77.69 on val from a start of COCO; 79.7 on test.
# Needs: what deeplabv2_r101_voc.py needs, and its checkpoint; pip install -e '.[crf]'.
# Departs: as deeplabv2_r101_voc.py.
# python tools/test.py configs/deeplabv2_r101-crf_voc.py work_dirs/deeplabv2_r101_voc/iter_20000.pth
_base_ = './deeplabv2_r101_voc.py'
model = dict(
    test_cfg=dict(
        crf=dict(
            type='DenseCRF',
            iterations=10,
            bilateral=dict(weight=4, xy=67, rgb=3),
            gaussian=dict(weight=3, xy=1))))
