# DeepLab-CRF-LargeFOV on VGG16, VOC 2012 with SBD (Chen et al., ICLR 2015).
# Published: mIoU 67.64 on val, one scale; 70.3 on test, trained on trainval.
# Needs: what deeplabv1_voc.py needs, and its checkpoint; pip install -e '.[crf]'.
# Departs: as deeplabv1_voc.py.
# python tools/test.py configs/deeplabv1-crf_voc.py work_dirs/deeplabv1_voc/iter_6000.pth
_base_ = './deeplabv1_voc.py'
model = dict(
    test_cfg=dict(
        crf=dict(
            type='DenseCRF',
            iterations=10,
            bilateral=dict(weight=4, xy=121, rgb=5),
            gaussian=dict(weight=3, xy=3))))
