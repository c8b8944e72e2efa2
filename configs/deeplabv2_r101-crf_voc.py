# deeplabv2_r101_voc.py with the dense CRF of its published model (pip install -e .[crf]):
# python tools/test.py configs/deeplabv2_r101-crf_voc.py work_dirs/deeplabv2_r101_voc/iter_20000.pth
_base_ = './deeplabv2_r101_voc.py'
model = dict(
    test_cfg=dict(
        crf=dict(
            type='DenseCRF',
            iterations=10,
            bilateral=dict(weight=4, xy=67, rgb=3),
            gaussian=dict(weight=3, xy=1))))
