# deeplabv1_voc.py with the dense CRF of its published model (pip install -e .[crf]):
# python tools/test.py configs/deeplabv1-crf_voc.py work_dirs/deeplabv1_voc/iter_6000.pth
_base_ = './deeplabv1_voc.py'
model = dict(
    test_cfg=dict(
        crf=dict(
            type='DenseCRF',
            iterations=10,
            bilateral=dict(weight=4, xy=121, rgb=5),
            gaussian=dict(weight=3, xy=3))))
