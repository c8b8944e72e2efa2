# DeepLab-MSc-CRF-LargeFOV on VGG16, VOC 2012 with SBD (Chen et al., ICLR 2015).
# Published: mIoU 68.70 on val, one scale; 71.6 on test, trained on trainval.
# Needs: what deeplabv1-msc_voc.py needs, and its checkpoint; pip install -e '.[crf]'.
# Departs: as deeplabv1-msc_voc.py.
# python tools/test.py configs/deeplabv1-msc-crf_voc.py work_dirs/deeplabv1-msc_voc/iter_6000.pth
_base_ = './deeplabv1-msc_voc.py'
model = dict(
    test_cfg=dict(
        crf=dict(
            type='DenseCRF',
            iterations=10,
            bilateral=dict(weight=4, xy=83, rgb=5),
            gaussian=dict(weight=3, xy=3))))
